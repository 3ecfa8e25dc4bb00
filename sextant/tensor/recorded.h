// Our autograd functions run on raw memory, so their backward cannot be differentiated again. Where a second
// derivative is asked for (a gradient penalty), the backward recomputes the forward in LibTorch's operations and
// differentiates that, recorded.
#pragma once

#include <torch/csrc/autograd/autograd.h>

#include <vector>

namespace sextant {

// Gradients of forward(inputs) with respect to each input that wants one (undefined for the others), themselves
// differentiable. `inputs` are the tensors that context->get_saved_variables() gave. One may have been computed from
// another: each gradient is that of forward's own argument, so it is taken at views that know nothing of each other.
template <class Forward>
torch::autograd::variable_list recorded_backward(const torch::autograd::variable_list& inputs,
                                                 const torch::autograd::variable_list& upstream,
                                                 const Forward& forward) {
  torch::autograd::variable_list arguments = inputs, wanted, gradients(inputs.size());
  for (auto& argument : arguments)
    if (argument.defined() && argument.requires_grad()) wanted.push_back(argument = argument.view_as(argument));
  if (wanted.empty()) return gradients;
  const auto found = torch::autograd::grad(forward(arguments), wanted, upstream, std::nullopt, true, true);
  size_t next = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].defined() && inputs[i].requires_grad()) gradients[i] = found[next++];
  return gradients;
}

}  // namespace sextant
