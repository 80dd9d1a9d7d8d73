"""PRELOAD and COMPUTE (ISA section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    i64,
)
from xdsl.dialects.utils.dynamic_index_list import DynamicIndexList
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import NoMemoryEffect
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import Dataflow, Space
from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.checks import require
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ARRAY_STATE,
    CONFIG_STATE,
    SCRATCHPAD,
    AddressedEffects,
    FixedEffects,
)
from gemmini_xdsl.dialects.isa.configuration import ConfigExOp
from gemmini_xdsl.dialects.isa.local_address import (
    space_of,
    verify_rows_inside,
    verify_size,
)
from gemmini_xdsl.dialects.local_memory import LocalAddressType
from gemmini_xdsl.hardware.encoding import MIN_PASS_ROWS


@irdl_op_definition
class PreloadOp(IRDLOperation):
    """PRELOAD: the stationary operand (B in ws, the initial C in os) and where C goes.

    A missing stationary operand keeps the weights (ws, before `compute_accumulated`) or starts
    from zero (os); a missing destination discards the result (ISA section 6).
    """

    name = "gemmini.preload"

    stationary = opt_operand_def(LocalAddressType)
    stationary_sizes = var_operand_def(IndexType)
    destination = opt_operand_def(LocalAddressType)
    destination_sizes = var_operand_def(IndexType)
    static_stationary_sizes = prop_def(DenseArrayBase.constr(i64))
    static_destination_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(AddressedEffects())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "($stationary^ `:` type($stationary))? `size` "
        "custom<DynamicIndexList>($stationary_sizes, $static_stationary_sizes) "
        "(`to` $destination^ `:` type($destination))? `size` "
        "custom<DynamicIndexList>($destination_sizes, $static_destination_sizes) attr-dict"
    )

    def __init__(
        self,
        stationary: SSAValue | None,
        stationary_sizes: Sequence[mixed.Index],
        destination: SSAValue | None,
        destination_sizes: Sequence[mixed.Index],
    ):
        dynamic, static = mixed.split(stationary_sizes)
        dynamic_c, static_c = mixed.split(destination_sizes)
        super().__init__(
            operands=[stationary, dynamic, destination, dynamic_c],
            properties={
                "static_stationary_sizes": static,
                "static_destination_sizes": static_c,
            },
        )

    @property
    def mixed_stationary_sizes(self) -> list[mixed.Index]:
        """Rows and columns of the stationary operand, as used in the product."""
        return mixed.join(self.stationary_sizes, self.static_stationary_sizes)

    @property
    def mixed_destination_sizes(self) -> list[mixed.Index]:
        """Rows and columns of C."""
        return mixed.join(self.destination_sizes, self.static_destination_sizes)

    def verify_(self) -> None:
        """Check sizes, memories, and that a COMPUTE follows."""
        config = module_config(self)
        require(
            mixed.problem(self.stationary_sizes, self.static_stationary_sizes, 2, "sizes")
            or mixed.problem(self.destination_sizes, self.static_destination_sizes, 2, "sizes")
        )
        for sizes in (self.mixed_stationary_sizes, self.mixed_destination_sizes):
            verify_size("rows", sizes[0], config.dim)
            verify_size("cols", sizes[1], config.dim)
        if self.stationary is not None and space_of(self.stationary) != Space.SCRATCHPAD:
            raise VerifyException(
                "the stationary operand must be in the scratchpad: "
                "reading operands from the accumulator hangs the array"
            )
        if self.destination is not None:
            if space_of(self.destination) == Space.SCRATCHPAD and not config.ex_write_to_spad:
                raise VerifyException(
                    f"config '{config.name}' cannot write results to the scratchpad "
                    "(ex_write_to_spad = false)"
                )
            verify_rows_inside(self.destination, self.mixed_destination_sizes[0], 1, config.dim)
        following = self.next_op
        while following is not None and following.has_trait(NoMemoryEffect):
            following = following.next_op
        if not isinstance(following, _ComputeBase):
            raise VerifyException(
                "a preload must be followed by its compute in the same block: alone it never "
                "completes"
            )
        if self.stationary is None and _dataflow_in_force(self) == Dataflow.WS:
            self._verify_weight_stationary(following)

    def _verify_weight_stationary(self, compute: _ComputeBase) -> None:
        """What ws asks of a pair that keeps the weights (ISA section 6: garbage rules, rows)."""
        if isinstance(compute, ComputePreloadedOp):
            raise VerifyException(
                "in the ws dataflow a preload without a stationary operand keeps the weights and "
                "must be followed by compute_accumulated: stale weights could be used otherwise"
            )
        if self.destination is None:
            return
        rows = constant_value(self.mixed_destination_sizes[0])
        moving = [constant_value(compute.mixed_a_sizes[0])]
        if compute.bd is not None:
            moving.append(constant_value(compute.mixed_bd_sizes[0]))
        emitted = max([MIN_PASS_ROWS, *(size for size in moving if size is not None)])
        if rows is not None and None not in moving and rows > emitted:
            raise VerifyException(
                f"in the ws dataflow the array emits {emitted} rows for this pair, "
                f"C cannot have {rows}"
            )


def _dataflow_in_force(op: Operation) -> Dataflow | None:
    """The dataflow that the nearest configuration before `op` sets; None if that is not seen."""
    config = module_config(op)
    if config.dataflow != "both":
        return Dataflow(config.dataflow)
    current: Operation | None = op
    while current is not None:
        previous = current.prev_op
        while previous is not None:
            if isinstance(previous, ConfigExOp):
                return previous.dataflow.data
            if previous.regions and _configures(previous):
                return None
            previous = previous.prev_op
        current = current.parent_op()
        if current is None or _configures(current):
            return None
    return None


def _configures(op: Operation) -> bool:
    return any(isinstance(inner, ConfigExOp) for inner in op.walk())


class _ComputeBase(IRDLOperation):
    """COMPUTE: streams the moving operands through the array (ISA section 6)."""

    a = operand_def(LocalAddressType)
    a_sizes = var_operand_def(IndexType)
    bd = opt_operand_def(LocalAddressType)
    bd_sizes = var_operand_def(IndexType)
    static_a_sizes = prop_def(DenseArrayBase.constr(i64))
    static_bd_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(
        FixedEffects(reads=(SCRATCHPAD, CONFIG_STATE, ARRAY_STATE), writes=(ARRAY_STATE,))
    )
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$a `size` custom<DynamicIndexList>($a_sizes, $static_a_sizes) "
        "(`,` $bd^ `:` type($bd))? `size` custom<DynamicIndexList>($bd_sizes, $static_bd_sizes) "
        "attr-dict `:` type($a)"
    )

    def __init__(
        self,
        a: SSAValue,
        a_sizes: Sequence[mixed.Index],
        bd: SSAValue | None,
        bd_sizes: Sequence[mixed.Index],
    ):
        dynamic, static = mixed.split(a_sizes)
        dynamic_bd, static_bd = mixed.split(bd_sizes)
        super().__init__(
            operands=[a, dynamic, bd, dynamic_bd],
            properties={"static_a_sizes": static, "static_bd_sizes": static_bd},
        )

    @property
    def mixed_a_sizes(self) -> list[mixed.Index]:
        """Rows and columns of A, as used in the product."""
        return mixed.join(self.a_sizes, self.static_a_sizes)

    @property
    def mixed_bd_sizes(self) -> list[mixed.Index]:
        """Rows and columns of D (ws) or B (os)."""
        return mixed.join(self.bd_sizes, self.static_bd_sizes)

    def verify_(self) -> None:
        """Check sizes, and that no operand is read from the accumulator."""
        config = module_config(self)
        require(
            mixed.problem(self.a_sizes, self.static_a_sizes, 2, "sizes")
            or mixed.problem(self.bd_sizes, self.static_bd_sizes, 2, "sizes")
        )
        for sizes in (self.mixed_a_sizes, self.mixed_bd_sizes):
            verify_size("rows", sizes[0], config.dim)
            verify_size("cols", sizes[1], config.dim)
        if self.bd is not None and config.hardcode_d_to_garbage:
            raise VerifyException(
                f"config '{config.name}' ignores D (hardcode_d_to_garbage = true)"
            )
        for operand in (self.a, self.bd):
            if operand is not None and space_of(operand) != Space.SCRATCHPAD:
                raise VerifyException(
                    "operands must be in the scratchpad: "
                    "reading operands from the accumulator hangs the array"
                )


@irdl_op_definition
class ComputePreloadedOp(_ComputeBase):
    """COMPUTE_PRELOADED: the operand of the preceding PRELOAD becomes the stationary one."""

    name = "gemmini.compute_preloaded"


@irdl_op_definition
class ComputeAccumulatedOp(_ComputeBase):
    """COMPUTE_ACCUMULATED: the stationary operand stays (ws), or accumulation goes on (os)."""

    name = "gemmini.compute_accumulated"
