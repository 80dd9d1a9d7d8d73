"""Where operations came from: a parser that records positions, and messages that show them."""

from __future__ import annotations

from bisect import bisect_right

from xdsl.context import Context
from xdsl.dialects.builtin import UNKNOWN_LOC, FileLineColLoc, IntAttr, StringAttr
from xdsl.ir import Operation
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Span

from gemmini_xdsl.dialects.linear_parser import LinearParser

MAX_CONTEXT_COLUMNS = 120
"""Most columns of a source line that a message shows."""


class LocatingParser(LinearParser):
    """Parses MLIR and gives each operation its file, line and column, unless it has a location."""

    def __init__(self, ctx: Context, text: str, name: str, line_offset: int = 0):
        """Parse `text` from `name`; `line_offset` lines of that file come before it."""
        super().__init__(ctx, text, name)
        self._file = StringAttr(name)
        self._line_offset = line_offset
        self._operation_span = self._current_token.span
        self._line_starts = [0]
        position = text.find("\n")
        while position != -1:
            self._line_starts.append(position + 1)
            position = text.find("\n", position + 1)

    def parse_operation(self) -> Operation:
        """Parse one operation and record where it starts."""
        self._operation_span = self._current_token.span
        start = self._operation_span.start
        op = super().parse_operation()
        if op.location == UNKNOWN_LOC:
            line = bisect_right(self._line_starts, start)
            column = start - self._line_starts[line - 1] + 1
            op.location = FileLineColLoc(
                self._file, IntAttr(line + self._line_offset), IntAttr(column)
            )
        return op

    def _get_op_by_name(self, name: str) -> type[Operation]:
        try:
            return super()._get_op_by_name(name)
        except ParseError as error:
            # The parser has read the name already and would point behind it.
            error.span = self._operation_span
            raise

    @property
    def current_span(self) -> Span[str] | Span[bytes]:
        """The token that the parser has reached."""
        return self._current_token.span


def location_of(op: Operation) -> str | None:
    """`file:line:column` of `op`, or of the innermost operation around it that has a location."""
    ancestor: Operation | None = op
    while ancestor is not None:
        if isinstance(ancestor.location, FileLineColLoc):
            location = ancestor.location
            return f"{location.filename.data}:{location.line.data}:{location.column.data}"
        ancestor = ancestor.parent_op()
    return None


def format_parse_error(error: ParseError) -> str:
    """`file:line:column: error: message`, then the source line with a caret below."""
    return format_at_span(error.span, error.msg)


def format_at_span(span: Span[str] | Span[bytes], message: str) -> str:
    """`message` at `span`, with the source line and a caret below."""
    content = span.input.content
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    start = span.start
    if isinstance(content, bytes):
        start = len(content[:start].decode("utf-8", "replace"))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : line_end if line_end != -1 else len(text)].rstrip("\r")
    column = min(start - line_start, len(line))
    skipped = max(0, column - MAX_CONTEXT_COLUMNS // 2)
    shown = line[skipped : skipped + MAX_CONTEXT_COLUMNS].replace("\t", " ")
    caret = " " * (column - skipped) + "^"
    return f"{span.get_location()}: error: {message.rstrip()}\n{shown}\n{caret}"
