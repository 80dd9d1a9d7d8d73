"""`convert-linalg-to-gemmini`: matrix products and what surrounds them become `gemmini.matmul`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import arith, math, memref
from xdsl.dialects.builtin import IntegerAttr, MemRefType, ModuleOp, i32
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import Activation
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.constant_globals import erase_unused_globals
from gemmini_xdsl.passes.contraction_matching import (
    Contraction,
    Factor,
    match_contraction,
    matrix_order,
    producer_of,
)
from gemmini_xdsl.passes.dead_buffers import erase_dead_buffers, erase_with_constants, users
from gemmini_xdsl.passes.diagnostics import function_name, operation_label, warn
from gemmini_xdsl.passes.matrix_views import BatchLoops
from gemmini_xdsl.passes.memory_uses import BlockUses, may_overlap, root
from gemmini_xdsl.passes.requantization_matching import Requantization, chain_of, match_epilogue
from gemmini_xdsl.passes.scalar_expression import (
    Constant,
    Element,
    Expression,
    constant_results,
    elements,
    reindex,
    stored_expression,
    substitute,
)


@dataclass(frozen=True)
class ConvertLinalgToGemminiPass(ModulePass):
    """Convert int8 matrix products in linalg to `gemmini.matmul`, with what can be fused exactly.

    A product absorbs transposes, sign extensions and constant zero points of its operands, a bias
    (row, matrix or scalar; as the initial value or added later), ReLU, and a requantisation by a
    constant float32 scale with rounding and clipping to int8 or [0, 127]. Batch dimensions become
    loops. Whatever the hardware does not compute exactly stays linalg on an int32 result.

    Rounding half away from zero becomes the hardware's rounding half to even with a warning, or is
    an error if `strict_rounding` is set. With `requantization=fast`, fixed-point multipliers and
    output zero points are absorbed as well, approximately and with a warning.
    """

    name = "convert-linalg-to-gemmini"

    requantization: Literal["exact", "fast"] = "exact"
    strict_rounding: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert every product, in every block."""
        blocks = [block for item in op.walk() for region in item.regions for block in region.blocks]
        for block in blocks:
            self._convert_block(block)
        erase_unused_globals(op)

    def _convert_block(self, block: Block) -> None:
        left_alone: set[Operation] = set()
        while True:
            uses = BlockUses.of(block)
            plan = None
            for op in block.ops:
                if op in left_alone:
                    continue
                contraction = match_contraction(op, uses)
                plan = None if contraction is None else self._plan(contraction, uses)
                if plan is not None:
                    break
                left_alone.add(op)
            if plan is None:
                return
            self._report(plan)
            plan.apply()

    def _plan(self, contraction: Contraction, uses: BlockUses) -> Fusion | None:
        """The largest fusion that is possible and allowed."""
        for fusion in reversed(list(self._fusions(contraction, uses))):
            requantization = fusion.requantization
            exact = requantization is None or requantization.runs_on_hardware
            if self.requantization == "exact" and not exact:
                continue
            if fusion.is_possible(uses):
                return fusion
        return None

    def _fusions(self, contraction: Contraction, uses: BlockUses) -> Iterator[Fusion]:
        """The product with its initialisation alone, then with more and more of its epilogue."""
        product = contraction.op
        result = contraction.result
        init = _initialisation(contraction, uses)
        if init is None:
            return
        init_op, init_value = init
        bias = _origin(init_value, init_op, uses)
        yield Fusion(contraction, (init_op, product), result, bias)
        assert isinstance(result.type, MemRefType)
        rank = result.type.get_num_dims()
        start = Element(result, AffineMap.identity(rank))
        expression: Expression = start
        fused: tuple[Operation, ...] = (init_op, product)
        readers: list[tuple[Expression, Operation]] = []
        while True:
            consumer = _only_consumer(result, fused)
            if consumer is None:
                return
            value = stored_expression(consumer)
            if value is None:
                return
            current = Element(result, AffineMap.identity(rank))
            if any(item.operand is result and item != current for item in elements(value)):
                return
            expression = _compose(value, result, expression)
            steps = chain_of(expression, start)
            if steps is None:
                return
            fused = (*fused, consumer)
            readers.append((value, consumer))
            result = consumer.operands[-1]
            epilogue = match_epilogue(steps, self.requantization == "fast")
            if epilogue is None or (bias.value is not None and epilogue.bias is not None):
                continue
            total = bias
            if epilogue.bias is not None:
                reader = next(
                    (op for value, op in readers if epilogue.bias in set(elements(value))),
                    consumer,
                )
                total = _origin(epilogue.bias, reader, uses)
            yield Fusion(contraction, fused, result, total, epilogue.requantization)
            if epilogue.requantization is not None:
                return

    def _report(self, fusion: Fusion) -> None:
        """Warn about, or refuse, what changes results."""
        requantization = fusion.requantization
        if requantization is None:
            return
        if requantization.half_away:
            rounding = next(
                op for op in fusion.fused for item in op.walk() if isinstance(item, math.RoundOp)
            )
            message = (
                "rounds half away from zero, but the hardware rounds half to even: exact ties "
                "differ by one"
            )
            if self.strict_rounding:
                raise PassFailedException(
                    f"{function_name(rounding)}: {operation_label(rounding)}: {message}; use a "
                    "rounding half to even (nearbyint, math.roundeven) or drop strict_rounding"
                )
            warn(rounding, message)
        for approximation in requantization.approximations:
            warn(fusion.fused[-1], f"{approximation}: results may differ by one")


def _initialisation(
    contraction: Contraction, uses: BlockUses
) -> tuple[Operation, Constant | Element | None] | None:
    """The operation that sets the result before the product adds to it, and the bias it is."""
    memory = root(contraction.result)
    use = uses.last_touch_before(memory, contraction.op)
    if use is None or memory not in use.writes:
        return None
    value = stored_expression(use.op)
    if value is None or use.op.operands[-1] is not contraction.result:
        return None
    if isinstance(value, Constant):
        return use.op, value
    return (use.op, value) if isinstance(value, Element) else None


def _only_consumer(memory: SSAValue, producers: tuple[Operation, ...]) -> Operation | None:
    """The only other operation that uses `memory`, an allocation that does not escape."""
    if not isinstance(memory.owner, memref.AllocOp):
        return None
    others = {op for op in users(memory) if not isinstance(op, memref.DeallocOp)} - set(producers)
    if len(others) != 1:
        return None
    consumer = others.pop()
    last = producers[-1]
    same_block = consumer.parent is last.parent
    return consumer if same_block and last.is_before_in_block(consumer) else None


def _compose(value: Expression, memory: SSAValue, stored: Expression) -> Expression:
    """`value` with `stored` for the elements of `memory`."""
    return substitute(value, lambda item: stored if item.operand is memory else item)


@dataclass(frozen=True)
class Bias:
    """What is added to a product, over the indices of C; its memory is first read at `read_at`.

    `producers` are copies that it bypasses.
    """

    value: Constant | Element | None
    read_at: Operation
    producers: tuple[Operation, ...] = ()


def _origin(value: Constant | Element | None, read_at: Operation, uses: BlockUses) -> Bias:
    """A bias without the copies that lead to it."""
    producers: list[Operation] = []
    while isinstance(value, Element) and isinstance(value.operand.type, MemRefType):
        produced = producer_of(value, read_at, uses)
        if produced is None:
            break
        producer, stored = produced
        if not isinstance(stored, Element | Constant):
            break
        read_at, value = producer, stored
        producers.append(producer)
    return Bias(value if value != Constant(0, i32) else None, read_at, tuple(producers))


@dataclass(frozen=True)
class Fusion:
    """A product and the operations that it absorbs, the last of which writes `output`.

    The result is int32 without a `requantization`.
    """

    contraction: Contraction
    fused: tuple[Operation, ...]
    output: SSAValue
    bias: Bias
    requantization: Requantization | None = None

    @property
    def anchor(self) -> Operation:
        """The product runs in place of this operation."""
        return self.fused[-1]

    @property
    def bias_element(self) -> Element | None:
        """The bias over the product's loops, unless it is a constant."""
        if not isinstance(self.bias.value, Element):
            return None
        element = reindex(self.bias.value, self.contraction.result_map)
        assert isinstance(element, Element)
        return element

    @property
    def bias_dims(self) -> list[int]:
        """The matrix dimensions that address the bias, in order."""
        element = self.bias_element
        matrix = (self.contraction.row, self.contraction.column)
        return [
            item.position
            for item in (element.map_.results if element is not None else ())
            if isinstance(item, AffineDimExpr) and item.position in matrix
        ]

    def is_possible(self, uses: BlockUses) -> bool:
        """Whether running everything at the anchor computes the same."""
        row, column = self.contraction.row, self.contraction.column
        sources = [
            (self.contraction.a.element.operand, self.contraction.a.read_at),
            (self.contraction.b.element.operand, self.contraction.b.read_at),
        ]
        element = self.bias_element
        if element is not None:
            if element.type != i32 or not constant_results(element.map_):
                return False
            if self.bias_dims not in ([], [column], [row, column]):
                return False
            if self.bias_dims and not _ends_in(element.map_, column):
                return False
            sources.append((element.operand, self.bias.read_at))
        output = root(self.output)
        for operand, read_at in sources:
            memory = root(operand)
            if may_overlap(memory, {output}):
                return False
            if uses.written_between(memory, read_at, self.anchor, but=self.fused):
                return False
        return True

    def apply(self) -> None:
        """Replace the operations."""
        contraction = self.contraction
        row, column, depth = contraction.row, contraction.column, contraction.depth
        batch = [dim for dim in range(len(contraction.extents)) if dim not in (row, column, depth)]
        loops = BatchLoops(contraction.extents, batch)

        def operand(factor: Factor, *dims: int) -> SSAValue:
            return loops.matrix(factor.element.operand, factor.element.map_, dims)

        a = operand(contraction.a, row, depth)
        b = operand(contraction.b, depth, column)
        bias = self._bias_value(loops)
        result = loops.matrix(self.output, contraction.result_map, (row, column))
        requantization = self.requantization or Requantization()
        loops.append(
            MatmulOp(
                a,
                b,
                result,
                bias,
                transpose_a=matrix_order(contraction.a.element.map_, depth, row),
                transpose_b=matrix_order(contraction.b.element.map_, column, depth),
                scale=requantization.scale,
                activation=Activation.RELU if requantization.relu else Activation.NONE,
                clip=(requantization.low, requantization.high),
                zero_points=(
                    contraction.a.zero_point,
                    contraction.b.zero_point,
                    requantization.zero_point,
                ),
            )
        )
        Rewriter.insert_op(loops.close(), InsertPoint.before(self.anchor))
        bypassed = [contraction.result]
        bypassed += [op.operands[-1] for op in (*self.fused, *self.bias.producers)]
        for factor in (contraction.a, contraction.b):
            bypassed += [op.operands[-1] for op in factor.producers]
        for op in reversed(self.fused):
            erase_with_constants(op)
        erase_dead_buffers(bypassed)

    def _bias_value(self, loops: BatchLoops) -> SSAValue | None:
        if isinstance(self.bias.value, Constant):
            constant = arith.ConstantOp(IntegerAttr(int(self.bias.value.value), i32))
            loops.append(constant)
            return constant.result
        element = self.bias_element
        if element is None:
            return None
        if not self.bias_dims:
            return loops.element(element.operand, element.map_)
        return loops.matrix(element.operand, element.map_, self.bias_dims)


def _ends_in(map_: AffineMap, dim: int) -> bool:
    return bool(map_.results) and map_.results[-1] == AffineDimExpr(dim)
