"""A parser of MLIR that takes linear time on malformed text too."""

from __future__ import annotations

import re

from xdsl.context import Context
from xdsl.parser import Parser
from xdsl.parser.generic_parser import ParserState
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRLexer


class _LinearLexer(MLIRLexer):
    """xDSL's lexer, which takes exponential time to see that a string has no end."""

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')


class LinearParser(Parser):
    """xDSL's parser on a lexer that never backtracks; for all text that users give."""

    def __init__(self, ctx: Context, text: str, name: str = "<unknown>"):
        """Parse `text`, which messages call `name`. Raises `ParseError` like all that follows."""
        super().__init__(ctx, "", name)
        self._parser_state = ParserState(_LinearLexer(Input(text, name)))
