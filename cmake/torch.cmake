# libtorch, for fine-tuning only: saltus/training/torch and the program saltus-train. Nothing else sees it.
set(SALTUS_TORCH AUTO CACHE STRING "Build saltus-train, which fine-tunes models with libtorch: ON, OFF, or AUTO (where libtorch is found)")
set_property(CACHE SALTUS_TORCH PROPERTY STRINGS AUTO ON OFF)

set(SALTUS_WITH_TORCH OFF)
if(SALTUS_TORCH STREQUAL "OFF")
  message(STATUS "Fine-tuning: off")
else()
  # Its package asks for Caffe2 first where the system keeps packages: a libtorch named by its folder must not get another's.
  if(Torch_DIR AND NOT Caffe2_DIR AND EXISTS "${Torch_DIR}/../Caffe2")
    set(Caffe2_DIR "${Torch_DIR}/../Caffe2")
  endif()
  find_package(Torch QUIET)
  if(TORCH_FOUND)
    set(SALTUS_WITH_TORCH ON)
    message(STATUS "Fine-tuning: libtorch ${Torch_VERSION}")
  elseif(SALTUS_TORCH STREQUAL "AUTO")
    message(STATUS "Fine-tuning: off, no libtorch found ('scripts/setup --torch' installs it, or give its folder by -DCMAKE_PREFIX_PATH=…/libtorch)")
  else()
    message(FATAL_ERROR "SALTUS_TORCH is ON, but no libtorch was found: run 'scripts/setup --torch', or give its folder by -DCMAKE_PREFIX_PATH=…/libtorch")
  endif()
endif()

# Builds of libtorch 2 export parts of a C++ library of their own (of std::filesystem), which fail in our hands: the compiler's must be asked first.
set(saltus_before_torch stdc++)

if(SALTUS_WITH_TORCH)
  # The headers of the C++ front end (torch/torch.h) double the time to compile and are not needed: tensors and autograd are.
  file(GLOB torch_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/saltus/training/torch/*.cpp)
  add_library(saltus_training_torch STATIC ${torch_sources})
  target_link_libraries(saltus_training_torch PUBLIC saltus_training torch PRIVATE saltus_warnings)
  # libtorch 2 brings headers of another fmt, which are found first: then they are used whole, apart from the system's library.
  foreach(folder IN LISTS TORCH_INCLUDE_DIRS)
    if(EXISTS "${folder}/fmt/format-inl.h")
      target_compile_definitions(saltus_training_torch PUBLIC FMT_HEADER_ONLY)
    endif()
  endforeach()
  target_precompile_headers(saltus_training_torch PRIVATE ${PROJECT_SOURCE_DIR}/saltus/training/torch/tensors.hpp)

  set(cli ${PROJECT_SOURCE_DIR}/saltus/cli)
  file(GLOB train_sources CONFIGURE_DEPENDS ${cli}/train/*.cpp)
  list(APPEND train_sources ${cli}/finetune_options.cpp ${cli}/interrupt.cpp ${cli}/message.cpp ${cli}/print_json.cpp ${cli}/progress_line.cpp ${cli}/trajectory_options.cpp)
  add_executable(saltus-train ${train_sources})
  target_link_libraries(saltus-train PRIVATE ${saltus_before_torch} saltus_training_torch saltus_runs CLI11::CLI11 saltus_warnings)
  target_precompile_headers(saltus-train PRIVATE <CLI/CLI.hpp>)
  saltus_compile_quickly(saltus-train)
endif()
