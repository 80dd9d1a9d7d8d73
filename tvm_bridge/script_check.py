"""Check of a TVMScript file before TVM parses it.

TVM's parser executes Python expressions that it finds in a script, so a script could run anything.
Only the syntax that describes functions is let through: decorated functions and classes, calls of
listed names of `T`, `I` and `R`, and plain expressions. Nothing here imports TVM.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from gemmini_xdsl.tvm_bridge.errors import TvmFileError
from gemmini_xdsl.tvm_bridge.script_names import ALLOWED_NAMES

NAMESPACES = {"tirx": "T", "ir": "I", "relax": "R"}
"""Modules of `tvm.script` that a script may import, and the names they have in ALLOWED_NAMES."""

_EXPRESSIONS = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.keyword,
    ast.expr_context,
    ast.boolop,
    ast.unaryop,
    ast.cmpop,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
)
_STATEMENTS = (
    ast.Expr,
    ast.Assign,
    ast.AnnAssign,
    ast.For,
    ast.With,
    ast.withitem,
    ast.If,
    ast.While,
    ast.Return,
    ast.Pass,
)
_NAMES_OF_SYNTAX = {
    "Lambda": "a lambda",
    "ListComp": "a comprehension",
    "SetComp": "a comprehension",
    "DictComp": "a comprehension",
    "GeneratorExp": "a comprehension",
    "NamedExpr": "an assignment expression (:=)",
    "JoinedStr": "an f-string",
    "TemplateStr": "a t-string",
    "Starred": "an unpacking (*)",
    "Await": "await",
    "Yield": "yield",
    "YieldFrom": "yield",
    "AsyncFunctionDef": "an async function",
    "AsyncFor": "an async loop",
    "AsyncWith": "an async with",
    "FunctionDef": "a nested function",
    "ClassDef": "a nested class",
    "Delete": "del",
    "Raise": "raise",
    "Try": "try",
    "TryStar": "try",
    "Global": "global",
    "Nonlocal": "nonlocal",
    "Match": "match",
    "Assert": "assert",
    "Import": "an import inside a function",
    "ImportFrom": "an import inside a function",
    "Pow": "a power (**)",
    "LShift": "a shift (<<)",
    "RShift": "a shift (>>)",
    "MatMult": "a matrix multiplication (@)",
    "AugAssign": "an augmented assignment",
    "Set": "a set",
}


@dataclass
class CheckedScript:
    """A script with blank lines for its imports, and what its namespace names stand for."""

    text: str
    namespaces: dict[str, str]


def check_script(text: str, path: str) -> CheckedScript:
    """The script in a file without its imports; `TvmFileError` for anything that may run code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            module = ast.parse(text, filename=path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise TvmFileError(
            f"{path}:{line}: not Python syntax: {getattr(error, 'msg', None) or error}"
        ) from None
    try:
        checker = _Checker(path)
        dropped = checker.module(module)
    except RecursionError:
        raise TvmFileError(f"{path}: nested too deeply") from None
    lines = text.splitlines()
    for statement in dropped:
        for number in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
            lines[number - 1] = ""
    return CheckedScript("\n".join(lines) + "\n", checker.namespaces)


@dataclass
class _Checker:
    path: str
    namespaces: dict[str, str] = field(default_factory=dict)
    imported: bool = False
    module_names: set[str] = field(default_factory=lambda: {"cls"})

    def refuse(self, node: ast.AST, reason: str) -> TvmFileError:
        line = getattr(node, "lineno", 1)
        return TvmFileError(f"{self.path}:{line}: {reason}")

    def module(self, module: ast.Module) -> list[ast.stmt]:
        """Check everything; returns the statements that TVM must not see."""
        definitions: list[ast.stmt] = []
        dropped: list[ast.stmt] = []
        for statement in module.body:
            if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                dropped.append(statement)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.drop_import(statement)
            elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
                definitions.append(statement)
            elif not _is_docstring(statement):
                raise self.refuse(
                    statement,
                    "only imports from tvm.script and decorated definitions are allowed at the "
                    f"top level, not {_syntax(statement)}",
                )
        if not self.imported:
            self.namespaces = {"T": "T", "I": "I", "R": "R"}
        if len(definitions) != 1:
            raise TvmFileError(
                f"{self.path}: expected one @T.prim_func, @R.function or @I.ir_module, found "
                f"{len(definitions)}; put several functions into one @I.ir_module class"
            )
        definition = definitions[0]
        if isinstance(definition, ast.ClassDef):
            self.class_definition(definition)
        else:
            assert isinstance(definition, ast.FunctionDef)
            self.function(definition)
        return dropped

    def drop_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name not in ("tvm", "tvm.script") or alias.asname is not None:
                    raise self.refuse(statement, f"import of '{alias.name}' is not allowed")
            return
        source = statement.module or ""
        if source == "__future__" and [item.name for item in statement.names] == ["annotations"]:
            return
        for alias in statement.names:
            known = source in ("tvm.script", "tvm.script.parser") and alias.name in NAMESPACES
            if not known or statement.level:
                raise self.refuse(
                    statement,
                    f"import of '{alias.name}' from '{'.' * statement.level}{source}' is not "
                    f"allowed (only {', '.join(NAMESPACES)} from tvm.script)",
                )
            local = alias.asname or alias.name
            self.plain_name(statement, local)
            self.namespaces[local] = NAMESPACES[alias.name]
            self.imported = True

    def class_definition(self, definition: ast.ClassDef) -> None:
        self.decorator(definition, ("I.ir_module",))
        if definition.bases or definition.keywords:
            raise self.refuse(definition, f"class '{definition.name}' has base classes")
        self.bound_name(definition, definition.name)
        self.module_names.add(definition.name)
        for statement in definition.body:
            if isinstance(statement, ast.FunctionDef):
                self.function(statement)
            elif not _is_docstring(statement) and not isinstance(statement, ast.Pass):
                if not isinstance(statement, ast.Expr):
                    raise self.refuse(
                        statement, f"{_syntax(statement)} is not allowed in an I.ir_module"
                    )
                self.expression(statement.value)

    def function(self, definition: ast.FunctionDef) -> None:
        self.decorator(definition, ("T.prim_func", "R.function"))
        self.bound_name(definition, definition.name)
        arguments = definition.args
        if arguments.defaults or any(item is not None for item in arguments.kw_defaults):
            raise self.refuse(definition, "default arguments are not allowed")
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            raise self.refuse(definition, "only plain arguments are allowed")
        if getattr(definition, "type_params", None):
            raise self.refuse(definition, "type parameters are not allowed")
        for argument in arguments.args:
            self.bound_name(argument, argument.arg)
            if argument.annotation is None:
                raise self.refuse(argument, f"argument '{argument.arg}' has no type")
            self.expression(argument.annotation)
        if definition.returns is not None:
            self.expression(definition.returns)
        for statement in definition.body:
            self.statement(statement)

    def decorator(self, definition: ast.FunctionDef | ast.ClassDef, known: tuple[str, ...]) -> None:
        if len(definition.decorator_list) != 1:
            raise self.refuse(
                definition,
                f"'{definition.name}' needs exactly one decorator ({' or '.join(known)})",
            )
        decorator = definition.decorator_list[0]
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if self.qualified_name(target) not in known:
            raise self.refuse(
                decorator,
                f"decorator '{ast.unparse(target)}' of '{definition.name}' is not allowed (only "
                f"{' or '.join(known)})",
            )
        if isinstance(decorator, ast.Call):
            values = [*decorator.args, *(item.value for item in decorator.keywords)]
            if not all(isinstance(value, ast.Constant) for value in values):
                raise self.refuse(decorator, "arguments of a decorator must be constants")

    def statement(self, node: ast.AST) -> None:
        if not isinstance(node, _STATEMENTS):
            raise self.refuse(node, f"{_syntax(node)} is not allowed")
        targets: list[ast.expr] = []
        match node:
            case ast.Assign():
                targets = node.targets
            case ast.AnnAssign():
                targets = [node.target]
            case ast.For():
                targets = [node.target]
        for target in targets:
            self.target(target)
            # Methods of module names may be called, so these must stay what they are.
            own = isinstance(target, ast.Name) and target.id in self.module_names
            value = getattr(node, "value", None)
            if own and not (isinstance(value, ast.Name) and value.id in self.module_names):
                raise self.refuse(node, f"'{ast.unparse(target)}' must stand for the module")
        for child in ast.iter_child_nodes(node):
            if child in targets:
                continue
            if isinstance(node, ast.For) and child is node.iter and _is_range(node.iter):
                assert isinstance(node.iter, ast.Call)
                for argument in node.iter.args:
                    self.expression(argument)
            elif isinstance(child, ast.withitem):
                self.expression(child.context_expr)
                if child.optional_vars is not None:
                    self.target(child.optional_vars)
            elif isinstance(child, ast.expr):
                self.expression(child)
            else:
                self.statement(child)

    def target(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                self.bound_name(node, node.id)
            case ast.Tuple() | ast.List():
                for item in node.elts:
                    self.target(item)
            case _:
                self.expression(node)

    def bound_name(self, node: ast.AST, name: str) -> None:
        self.plain_name(node, name)
        if name in self.namespaces or name == "range":
            raise self.refuse(node, f"'{name}' must not be redefined")

    def plain_name(self, node: ast.AST, name: str) -> None:
        if name.startswith("__"):
            raise self.refuse(node, f"the name '{name}' is not allowed")

    def expression(self, node: ast.AST) -> None:
        if not isinstance(node, _EXPRESSIONS):
            raise self.refuse(node, f"{_syntax(node)} is not allowed")
        match node:
            case ast.Name():
                self.plain_name(node, node.id)
                if node.id in self.namespaces:
                    raise self.refuse(node, f"'{node.id}' must not be used as a value")
            case ast.Attribute():
                self.attribute(node)
                return
            case ast.Call():
                self.call(node)
                return
            case ast.BinOp(left=left, op=ast.Mult() | ast.Mod(), right=right):
                for side in (left, right):
                    if isinstance(side, ast.List | ast.Tuple | ast.Dict) or (
                        isinstance(side, ast.Constant) and isinstance(side.value, str | bytes)
                    ):
                        raise self.refuse(node, "arithmetic on strings and lists is not allowed")
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context):
                self.operand(child, node)

    def operand(self, child: ast.AST, parent: ast.AST) -> None:
        if isinstance(child, ast.expr | ast.keyword):
            self.expression(child)
        elif not isinstance(child, _EXPRESSIONS):
            raise self.refuse(parent, f"{_syntax(child)} is not allowed")

    def attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("_"):
            raise self.refuse(node, f"the attribute '{node.attr}' is not allowed")
        name = self.qualified_name(node)
        if name is not None:
            root, _, member = name.partition(".")
            if member not in ALLOWED_NAMES[root]:
                raise self.refuse(node, f"'{ast.unparse(node)}' is not a supported name")
            return
        self.expression(node.value)

    def qualified_name(self, node: ast.AST) -> str | None:
        """`T.axis.remap` for such an attribute of a namespace, else None."""
        members: list[str] = []
        while isinstance(node, ast.Attribute):
            members.append(node.attr)
            node = node.value
        if not members or not isinstance(node, ast.Name) or node.id not in self.namespaces:
            return None
        return ".".join([self.namespaces[node.id], *reversed(members)])

    def call(self, node: ast.Call) -> None:
        target = node.func
        inside = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
        own = inside and target.value.id in self.module_names  # type: ignore[attr-defined]
        if self.qualified_name(target) is None and not own:
            raise self.refuse(
                node,
                f"call of '{ast.unparse(target)}' is not allowed (only names of "
                f"{', '.join(self.namespaces)} can be called)",
            )
        self.expression(target)
        for argument in node.args:
            self.expression(argument)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.refuse(node, "an unpacking (**) is not allowed")
            self.plain_name(node, keyword.arg)
            self.expression(keyword.value)


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_range(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and not node.keywords
    )


def _syntax(node: ast.AST) -> str:
    kind = type(node).__name__
    return _NAMES_OF_SYNTAX.get(kind, f"{kind} syntax")
