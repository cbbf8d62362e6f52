#include "../kernels/kernels.h"
#include "ops.h"

namespace r1 {

/// A matrix [n, d] with rows added to it, in their order: rows [m], updates [m, d]. The same bits each time, whatever adds them up at once.
const Op addRowsOp{
    "AddRows",
    {{"matrix", f32}, {"rows", i64}, {"updates", f32}},
    {{"sum", f32}},
    [](const Call& call) {
      const Input matrix = call.input(0), rows = call.input(1), updates = call.input(2);
      matrix.expectRank(2);
      rows.expectRank(1);
      updates.expect({rows.dims[0], matrix.dims[1]});
      rows.expectBelow(matrix.dims[0]);
      addRows(call.changed(0, matrix), rows.integers(), updates.floats(), rows.dims[0], matrix.dims[1]);
    },
};

}  // namespace r1
