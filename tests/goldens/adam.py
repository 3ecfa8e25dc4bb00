"""Weights after 100 steps of torch.optim's Adam and AdamW, for sextant/kernels/adam_ema_test.cpp.

Usage (any Python with torch; written with 2.13):  python tests/goldens/adam.py > sextant/kernels/adam_golden.inc
The gradients are an integer hash that C++ computes to the same bits.
"""
import torch

N = 9
CASES = [
    (torch.optim.Adam, dict(lr=1e-3, weight_decay=0.0), ".lr = 1e-3"),
    (torch.optim.Adam, dict(lr=1e-2, weight_decay=0.1, betas=(0.5, 0.99)),
     ".lr = 1e-2, .beta1 = 0.5, .beta2 = 0.99, .weight_decay = 0.1"),
    (torch.optim.AdamW, dict(lr=1e-2, weight_decay=0.1), ".lr = 1e-2, .weight_decay = 0.1, .decoupled = true"),
]


def gradient(step):
    return torch.tensor([((step * 7919 + i * 104729 + step * i * 31) % 65536 - 32768) / 32768 for i in range(N)])


print("// Written by tests/goldens/adam.py with torch", torch.__version__.split("+")[0])
for optimiser, options, designated in CASES:
    weights = torch.nn.Parameter((torch.arange(N) - N // 2) / 8)
    adam = optimiser([weights], **options)
    for step in range(1, 101):
        weights.grad = gradient(step)
        adam.step()
    numbers = ", ".join(f"{w:.9g}f" if "." in f"{w:.9g}" or "e" in f"{w:.9g}" else f"{w:.9g}.0f" for w in weights.tolist())
    print(f"{{{{{designated}}},\n {{{numbers}}}}},")
