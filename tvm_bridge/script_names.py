"""The names of TVMScript's namespaces that scripts may use.

They only build IR. Functions that take callables, read files or define macros are not among them.
"""

from __future__ import annotations

_TIR = """
prim_func Buffer match_buffer func_attr grid serial parallel vectorized unroll thread_binding
sblock axis.remap axis.spatial axis.reduce axis.S axis.R axis.opaque axis.scan reads writes init
where sblock_attr sblock_alloc_buffer alloc_buffer decl_buffer evaluate let Let Var handle void
Range iter_var Cast bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64
bfloat16 boolean if_then_else Select max min abs fabs round nearbyint rint floor ceil trunc sqrt
rsqrt exp exp2 log log2 pow power tanh sigmoid erf shift_left shift_right bitwise_and bitwise_or
bitwise_xor bitwise_not floordiv floormod truncdiv truncmod div truncate q_multiply_shift
q_multiply_shift_per_axis min_value max_value infinity reinterpret Add Sub Mul Div Mod FloorDiv
FloorMod Min Max EQ NE LT LE GT GE And Or Not clz popcount isnan isinf isfinite
"""
_IR = "ir_module module_attrs"
_RELAX = """
function Tensor Tuple Shape Object Prim Callable dataflow output call_tir const prim_value shape
func_attr tuple TupleGetItem dtype str add subtract multiply divide floor_divide maximum minimum
power mod matmul linear permute_dims reshape flatten squeeze expand_dims broadcast_to
layout_transform astype round clip negative abs floor ceil trunc sqrt rsqrt exp log sigmoid tanh
erf sum mean max min
concat split stack strided_slice take repeat tile flip where zeros ones full zeros_like ones_like
full_like quantize dequantize equal not_equal less less_equal greater greater_equal bitwise_and
bitwise_or bitwise_xor left_shift right_shift einsum outer nn.relu nn.conv1d nn.conv2d nn.conv3d
nn.dense nn.bias_add nn.max_pool2d nn.avg_pool2d nn.adaptive_avg_pool2d nn.softmax nn.gelu nn.silu
nn.leakyrelu nn.pad nn.batch_flatten nn.layer_norm nn.batch_norm nn.dropout
"""

ALLOWED_NAMES: dict[str, frozenset[str]] = {
    "T": frozenset(_TIR.split()),
    "I": frozenset(_IR.split()),
    "R": frozenset(_RELAX.split()),
}
"""Members by namespace: T (tirx), I (ir) and R (relax)."""
