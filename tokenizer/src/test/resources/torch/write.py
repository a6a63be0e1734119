"""Writes the small checkpoints of this folder; run in it with PyTorch 2.x (they were written with 2.13)."""
import argparse
import collections
import pickle

import numpy
import torch

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
weight = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
state = collections.OrderedDict(
    plain=base.clone(),
    transposed=base.t(),
    slice=base[1:3, 2:5],
    expanded=torch.tensor([[1.0], [2.0]]).expand(2, 3),
    scalar=torch.tensor(3.5),
    empty=torch.zeros(0, 64),
    parameter=weight,
    tied=weight,
    BOOL=torch.tensor([True, False, True]),
    U8=torch.tensor([1, 2, 253], dtype=torch.uint8),
)
for name, dtype in dict(
    F64=torch.float64, F32=torch.float32, F16=torch.float16, BF16=torch.bfloat16,
    I64=torch.int64, I32=torch.int32, I16=torch.int16, I8=torch.int8,
).items():
    state[name] = torch.tensor([1, 2, -3]).to(dtype)
state._metadata = collections.OrderedDict({"": {"version": 1}})
checkpoint = {
    "model_state_dict": state,
    "config": pickle.dumps({"dim": 1}),
    "epoch": 3,
    "big": 2**70,
    "args": argparse.Namespace(lr=0.5, layers=[1, 2], name="tiny", missing=None),
    "size": torch.Size([1, 2]),
    "set": {7},
    "counts": collections.defaultdict(list, {"a": [1]}),
    "loss": numpy.float64(1.5),
    "array": numpy.arange(3),
    "dtype": torch.float32,
    "device": torch.device("cuda:0"),
    (1, 2): "key is a tuple",
}
for protocol in (2, 3, 4, 5):
    torch.save(checkpoint, f"zip-{protocol}.pt", pickle_protocol=protocol)
    torch.save(
        checkpoint, f"legacy-{protocol}.pt", pickle_protocol=protocol, _use_new_zipfile_serialization=False
    )
torch.jit.script(torch.nn.Linear(2, 3)).save("script.pt")
