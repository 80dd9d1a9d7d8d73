"""LLVM's shared library by its C interface: optimisation and RISC-V machine code.

The RISC-V back end in the wheel of llvmlite lacks the assembly parser that inline assembly needs.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache

_VERSIONS = range(30, 17, -1)
"""Versions to look for; the functions used here exist since 18."""

_ARCHITECTURE = "RISCV"
_PARTS = ("TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser")

_ASSEMBLY_FILE, _OBJECT_FILE = 0, 1
_OPTIMIZATION_DEFAULT = 2
_RELOCATION_STATIC = 1
_CODE_MODEL_MEDIUM = 5

_POINTER_FUNCTIONS: dict[str, tuple[type, ...]] = {
    "LLVMContextCreate": (),
    "LLVMCreateMemoryBufferWithMemoryRangeCopy": (c_char_p, c_size_t, c_char_p),
    "LLVMCreateTargetMachineOptions": (),
    "LLVMCreateTargetMachineWithOptions": (c_void_p, c_char_p, c_void_p),
    "LLVMCreatePassBuilderOptions": (),
    "LLVMRunPasses": (c_void_p, c_char_p, c_void_p, c_void_p),
    "LLVMGetErrorMessage": (c_void_p,),
    "LLVMGetBufferStart": (c_void_p,),
}
_VOID_FUNCTIONS: dict[str, tuple[type, ...]] = {
    "LLVMTargetMachineOptionsSetCPU": (c_void_p, c_char_p),
    "LLVMTargetMachineOptionsSetFeatures": (c_void_p, c_char_p),
    "LLVMTargetMachineOptionsSetABI": (c_void_p, c_char_p),
    "LLVMTargetMachineOptionsSetCodeGenOptLevel": (c_void_p, c_int),
    "LLVMTargetMachineOptionsSetRelocMode": (c_void_p, c_int),
    "LLVMTargetMachineOptionsSetCodeModel": (c_void_p, c_int),
    "LLVMDisposeTargetMachineOptions": (c_void_p,),
    "LLVMDisposeTargetMachine": (c_void_p,),
    "LLVMDisposePassBuilderOptions": (c_void_p,),
    "LLVMDisposeMemoryBuffer": (c_void_p,),
    "LLVMDisposeModule": (c_void_p,),
    "LLVMContextDispose": (c_void_p,),
    "LLVMDisposeMessage": (c_void_p,),
    "LLVMDisposeErrorMessage": (c_void_p,),
    **{f"LLVMInitialize{_ARCHITECTURE}{part}": () for part in _PARTS},
}
_STATUS_FUNCTIONS: dict[str, tuple[type, ...]] = {
    "LLVMParseIRInContext": (c_void_p, c_void_p, c_void_p, c_void_p),
    "LLVMGetTargetFromTriple": (c_char_p, c_void_p, c_void_p),
    "LLVMTargetMachineEmitToMemoryBuffer": (c_void_p, c_void_p, c_int, c_void_p, c_void_p),
}


class LlvmLibraryError(Exception):
    """LLVM refused the IR; the text is LLVM's own."""


@dataclass(frozen=True)
class CodeOptions:
    """What to generate code for, in LLVM's terms."""

    triple: str
    cpu: str
    features: str
    abi: str


@dataclass(frozen=True)
class LlvmLibrary:
    """A loaded library with a RISC-V back end."""

    name: str
    library: ctypes.CDLL

    def compile(self, ir: str, options: CodeOptions, *, assembly: bool) -> bytes:
        """Optimise IR and make an object file, or assembly. Raises `LlvmLibraryError`."""
        context = self.library.LLVMContextCreate()
        try:
            module = self._parse(context, ir)
            machine = self._machine(options)
            try:
                self._optimise(module, machine)
                return self._emit(module, machine, _ASSEMBLY_FILE if assembly else _OBJECT_FILE)
            finally:
                self.library.LLVMDisposeTargetMachine(machine)
                self.library.LLVMDisposeModule(module)
        finally:
            self.library.LLVMContextDispose(context)

    def _parse(self, context: int, ir: str) -> c_void_p:
        data = ir.encode()
        # The parser takes the buffer over, whether or not it succeeds.
        buffer = self.library.LLVMCreateMemoryBufferWithMemoryRangeCopy(data, len(data), b"kernel")
        module, message = c_void_p(), c_void_p()
        failed = self.library.LLVMParseIRInContext(context, buffer, byref(module), byref(message))
        self._check(failed, message)
        return module

    def _machine(self, options: CodeOptions) -> int:
        library, target, message = self.library, c_void_p(), c_void_p()
        triple = options.triple.encode()
        failed = library.LLVMGetTargetFromTriple(triple, byref(target), byref(message))
        self._check(failed, message)
        settings = library.LLVMCreateTargetMachineOptions()
        library.LLVMTargetMachineOptionsSetCPU(settings, options.cpu.encode())
        library.LLVMTargetMachineOptionsSetFeatures(settings, options.features.encode())
        library.LLVMTargetMachineOptionsSetABI(settings, options.abi.encode())
        library.LLVMTargetMachineOptionsSetCodeGenOptLevel(settings, _OPTIMIZATION_DEFAULT)
        library.LLVMTargetMachineOptionsSetRelocMode(settings, _RELOCATION_STATIC)
        library.LLVMTargetMachineOptionsSetCodeModel(settings, _CODE_MODEL_MEDIUM)
        machine: int = library.LLVMCreateTargetMachineWithOptions(target, triple, settings)
        library.LLVMDisposeTargetMachineOptions(settings)
        return machine

    def _optimise(self, module: c_void_p, machine: int) -> None:
        options = self.library.LLVMCreatePassBuilderOptions()
        error = self.library.LLVMRunPasses(module, b"default<O2>", machine, options)
        self.library.LLVMDisposePassBuilderOptions(options)
        if error:
            message = self.library.LLVMGetErrorMessage(error)
            text = ctypes.string_at(message).decode(errors="replace")
            self.library.LLVMDisposeErrorMessage(message)
            raise LlvmLibraryError(text)

    def _emit(self, module: c_void_p, machine: int, kind: int) -> bytes:
        buffer, message = c_void_p(), c_void_p()
        failed = self.library.LLVMTargetMachineEmitToMemoryBuffer(
            machine, module, kind, byref(message), byref(buffer)
        )
        self._check(failed, message)
        start = self.library.LLVMGetBufferStart(buffer)
        code = ctypes.string_at(start, self.library.LLVMGetBufferSize(buffer))
        self.library.LLVMDisposeMemoryBuffer(buffer)
        return code

    def _check(self, failed: int, message: c_void_p) -> None:
        if failed:
            text = ctypes.string_at(message.value or b"").decode(errors="replace")
            self.library.LLVMDisposeMessage(message)
            raise LlvmLibraryError(" ".join(text.split()))


@cache
def find_llvm_library() -> LlvmLibrary | None:
    """The newest LLVM library that the system's loader finds, or None."""
    for version in _VERSIONS:
        for name in (f"libLLVM-{version}.so", f"libLLVM.so.{version}.1", _found(version)):
            library = _load(name)
            if library is not None:
                return LlvmLibrary(str(name), library)
    return None


def _found(version: int) -> str | None:
    return find_library(f"LLVM-{version}")


def _load(name: str | None) -> ctypes.CDLL | None:
    if name is None:
        return None
    try:
        library = ctypes.CDLL(name)
        for functions, result in (
            (_POINTER_FUNCTIONS, c_void_p),
            (_VOID_FUNCTIONS, None),
            (_STATUS_FUNCTIONS, c_int),
        ):
            for function, arguments in functions.items():
                declared = getattr(library, function)
                declared.restype = result
                declared.argtypes = arguments
        library.LLVMGetBufferSize.restype = c_size_t
        library.LLVMGetBufferSize.argtypes = (c_void_p,)
    except (OSError, AttributeError):
        return None
    for part in _PARTS:
        getattr(library, f"LLVMInitialize{_ARCHITECTURE}{part}")()
    return library
