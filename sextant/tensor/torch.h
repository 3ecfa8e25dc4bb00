// LibTorch as far as this program goes: tensors and their functions, gradients, modules. <torch/torch.h> brings layers,
// optimisers and loaders that are never used here, and each file pays two seconds for what they instantiate. The
// precompiled header holds this one.
#pragma once

#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
