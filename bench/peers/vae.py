"""The peer's side of `bench/side_by_side vae`: the same net and loss in PyTorch eager. Smallest of several repeats.
Epochs: a DataLoader over a TensorDataset, and the usual way, a picture object and its conversion for every item."""
import gzip, json, pathlib, resource, sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from timing import smallest

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
assets = pathlib.Path(__file__).resolve().parents[2] / "assets" / "mnist"
raw = gzip.decompress((assets / "train-images-idx3-ubyte.gz").read_bytes())[16:]
pictures = np.frombuffer(raw, np.uint8).reshape(-1, 28, 28)
stored, labels = torch.from_numpy(pictures.copy()), torch.zeros(len(pictures), dtype=torch.int64)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.log_variance = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.up, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x):
        h = F.relu(self.hidden(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.out(F.relu(self.up(z))), mean, log_variance


class UsualDataset(Dataset):
    """What torchvision's MNIST with ToTensor does for an item."""

    def __len__(self):
        return len(pictures)

    def __getitem__(self, i):
        picture, label = stored[i], int(labels[i])
        image = Image.fromarray(picture.numpy(), mode="L")
        tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
        tensor = tensor.view(image.size[1], image.size[0], len(image.getbands())).permute((2, 0, 1)).contiguous()
        return tensor.to(dtype=torch.get_default_dtype()).div(255), label


net = Vae()
optimiser = torch.optim.Adam(net.parameters(), 1e-3)


def step(x):
    y, mean, log_variance = net(x)
    nll = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
    loss = (nll - 0.5 * (1 + log_variance - mean * mean - log_variance.exp()).sum()) / len(x)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def epoch(loader):
    for batch in loader:
        step(batch[0].flatten(1))


fixed = torch.rand(128, 784)
result = {"step_s": smallest(lambda: step(fixed), 200, 20)}
tensors = torch.from_numpy(pictures.astype(np.float32) / 255).flatten(1)
result["epoch_tensor_s"] = smallest(lambda: epoch(DataLoader(TensorDataset(tensors), 128, shuffle=True)), 2, 0)
result["epoch_usual_s"] = smallest(lambda: epoch(DataLoader(UsualDataset(), 128, shuffle=True)), 2, 0)
result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({"PyTorch eager": result}))
