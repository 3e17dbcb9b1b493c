// libtorch as this folder uses it: tensors and autograd, from 1.13 to 2.x; precompiled. The C++ front end (torch/torch.h) is left out.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
