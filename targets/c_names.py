"""C identifiers: made from MLIR names, valid, and unique within their scope."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while _Alignas _Alignof _Atomic _Bool _Complex _Generic
    _Imaginary _Noreturn _Static_assert _Thread_local asm typeof bool true false nullptr
    constexpr alignas alignof static_assert thread_local
    class new delete this template namespace operator private protected public virtual friend
    using try catch throw export mutable explicit typename and or not xor
    main linux unix errno NULL EOF
    """,
    )
)
# C library functions that compilers know as built-ins: another signature would be a warning.
_BUILTINS = frozenset(
    re.findall(
        r"\w+",
        """
    abs acos asin atan atan2 abort alloca bcmp bcopy bzero cabs calloc carg ceil clog conj copysign
    cos cosh cproj cpow creal csin csqrt erf exit exp exp2 expm1 fabs fdim floor fma fmax fmin fmod
    fork fprintf fputc fputs free frexp fscanf fwrite gamma gettext hypot ilogb imag imaxabs index
    isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper
    isxdigit j0 j1 jn labs ldexp lgamma llabs log log10 log1p log2 logb longjmp lrint lround malloc
    memchr memcmp memcpy memmove mempcpy memset modf nan nearbyint pow pow10 printf putc putchar
    puts remainder realloc remquo rindex rint round scanf scalb setjmp signbit sin sincos sinh
    snprintf sprintf sqrt sscanf stpcpy strcasecmp strcat strchr strcmp strcpy strcspn strdup
    strlen strncat strncmp strncpy strpbrk strrchr strspn strstr tan tanh tgamma tolower toupper
    trunc vfork vprintf y0 y1 yn
    """,
    )
)
_RESERVED_PREFIXES = ("gemmini_", "GEMMINI_", "INT", "UINT", "SIZE_", "PTRDIFF_", "__")
_STDINT = re.compile(r"u?int(_least|_fast)?(\d+|ptr|max)_t|size_t|ptrdiff_t|max_align_t|wchar_t")


def is_reserved(name: str) -> bool:
    """Whether `name` may not be the name of a function, an array or a variable in emitted C."""
    stem = name.rstrip("fl") if name.rstrip("fl") in _BUILTINS else name
    return (
        name in _KEYWORDS
        or stem in _BUILTINS
        or name.startswith(_RESERVED_PREFIXES)
        or _STDINT.fullmatch(name) is not None
        or re.match(r"_[A-Z_]", name) is not None
    )


def sanitise(name: str) -> str:
    """`name` with every character that C forbids replaced by `_`, and no reserved meaning."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    if text[0].isdigit() or text[0] == "_":
        text = "v" + text
    if is_reserved(text):
        text += "_"
    return f"v_{text.rstrip('_')}" if is_reserved(text) else text


@dataclass
class Names:
    """Unique identifiers of one scope; `outer` holds the names of the enclosing scope."""

    outer: Names | None = None
    _used: set[str] = field(default_factory=set)
    _next: dict[str, int] = field(default_factory=dict)

    def taken(self, name: str) -> bool:
        """Whether `name` is in use in this scope or outside it."""
        return name in self._used or (self.outer is not None and self.outer.taken(name))

    def fresh(self, wanted: str) -> str:
        """An unused identifier: `wanted` made valid, with a number if it is taken."""
        base = sanitise(wanted)
        name = base
        while self.taken(name):
            self._next[base] = self._next.get(base, 0) + 1
            name = f"{base}_{self._next[base]}"
        self._used.add(name)
        return name
