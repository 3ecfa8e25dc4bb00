"""The peers' side of `bench/side_by_side unet`: the chapter's U-Net (3,687,041 parameters) in PyTorch eager, with channels
last, with bfloat16 autocast, through torch.compile, and its sampling step in ONNX Runtime and OpenVINO where installed.
usage: unet.py THREADS [avx2]"""
import json, math, resource, sys, tempfile

import torch
import torch.nn.functional as F
from torch import nn

from timing import smallest

torch.set_num_threads(int(sys.argv[1]))
only_avx2 = len(sys.argv) > 2 and sys.argv[2] == "avx2"
if only_avx2:
    import torch._inductor.config

    torch._inductor.config.cpp.simdlen = 256  # or the compiler writes AVX-512 for a library held to AVX2, and crashes


class Block(nn.Module):
    def __init__(self, inputs, outputs, time_width=128):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs)
        self.time = nn.Linear(time_width, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, time_embedding):
        h = F.silu(self.norm1(self.conv1(x))) + self.time(F.silu(time_embedding))[:, :, None, None]
        return F.silu(self.norm2(self.conv2(h))) + self.skip(x)


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 128))
        self.first, self.last = nn.Conv2d(1, 64, 3, padding=1), nn.Conv2d(64, 1, 3, padding=1)
        self.down1, self.down2, self.down3 = Block(64, 64), Block(64, 128), Block(128, 256)
        self.middle = Block(256, 256)
        self.up3, self.up2, self.up1 = Block(512, 128), Block(256, 64), Block(128, 64)

    def forward(self, x, t):
        frequency = torch.exp(-math.log(10000) * torch.arange(64) / 63)
        angle = t[:, None].float() * frequency
        time_embedding = self.time(torch.cat([angle.sin(), angle.cos()], 1))
        a = self.down1(self.first(x), time_embedding)
        b = self.down2(F.max_pool2d(a, 2), time_embedding)
        c = self.down3(F.max_pool2d(b, 2), time_embedding)
        h = self.up3(torch.cat([self.middle(c, time_embedding), c], 1), time_embedding)
        h = self.up2(torch.cat([F.interpolate(h, scale_factor=2.0), b], 1), time_embedding)
        return self.last(self.up1(torch.cat([F.interpolate(h, scale_factor=2.0), a], 1), time_embedding))


alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)


def measure(channels_last=False, bf16=False, compiled=False):
    torch.manual_seed(0)
    layout = {"memory_format": torch.channels_last} if channels_last else {}
    net = Unet().to(**layout)
    adam = torch.optim.Adam(net.parameters(), 2e-4)
    average = [p.detach().clone() for p in net.parameters()]
    run = torch.compile(net) if compiled else net
    pictures = torch.rand(128, 1, 28, 28) * 2 - 1

    def train():
        t, eps = torch.randint(0, 1000, (128,)), torch.randn_like(pictures)
        a = alpha_bar[t][:, None, None, None]
        x = (a.sqrt() * pictures + (1 - a).sqrt() * eps).contiguous(**layout)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.mse_loss(run(x, t).float(), eps)
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, list(net.parameters()), 0.001)

    noise = torch.randn(64, 1, 28, 28).contiguous(**layout)

    def sample():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            eps = run(noise, torch.full((64,), 500)).float()
            return (noise - 0.1 * eps) / 0.99 + 0.01 * torch.randn_like(noise)

    return {"train_s": smallest(train, 5), "sample_s": smallest(sample, 9)}


def runtimes():
    """Sampling steps in inference engines; one that is not installed is left out."""
    found = {}
    try:
        import numpy as np  # noqa: F401
        import onnx  # noqa: F401
    except ImportError:
        return found
    net, x, t = Unet().eval(), torch.randn(64, 1, 28, 28), torch.full((64,), 500)
    path = tempfile.mkdtemp() + "/unet.onnx"
    torch.onnx.export(net, (x, t), path, dynamo=False, opset_version=17, input_names=["x", "t"], output_names=["e"])
    feed = {"x": x.numpy(), "t": t.numpy()}
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(sys.argv[1])
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        found["ONNX Runtime"] = {"sample_s": smallest(lambda: session.run(None, feed), 9)}
    except ImportError:
        pass
    try:
        import openvino

        core = openvino.Core()
        for name, hint in (("OpenVINO", "f32"), ("OpenVINO bf16", "bf16")):
            settings = {"INFERENCE_NUM_THREADS": int(sys.argv[1]), "INFERENCE_PRECISION_HINT": hint,
                        "PERFORMANCE_HINT": "LATENCY"}
            request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
            found[name] = {"sample_s": smallest(lambda: request.infer(feed), 9)}
    except ImportError:
        pass
    return found


result = {"PyTorch eager": measure()}
result["PyTorch eager"]["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
result["PyTorch channels last"] = measure(channels_last=True)
result["PyTorch compile"] = measure(channels_last=True, compiled=True)
if "AVX512" in torch.backends.cpu.get_cpu_capability():  # without, a step in bfloat16 takes PyTorch a minute
    result["PyTorch bf16"] = measure(channels_last=True, bf16=True)
    result["PyTorch compile bf16"] = measure(channels_last=True, bf16=True, compiled=True)
if not only_avx2:
    result.update(runtimes())
print(json.dumps(result))
