# Everything comes from distribution packages (scripts/setup lists them); nothing is downloaded here.

find_package(fmt REQUIRED)
find_package(FastFloat REQUIRED)
find_package(TBB REQUIRED)
find_package(HWY REQUIRED)
find_package(Eigen3 REQUIRED)
find_package(spectra REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
if(NOT TARGET yaml-cpp::yaml-cpp)  # as versions before 0.8 call it
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# Not every distribution installs zstd's CMake files.
find_library(ZSTD_LIBRARY zstd REQUIRED)
find_path(ZSTD_INCLUDE_DIR zstd.h REQUIRED)
add_library(saltus_zstd INTERFACE)
target_include_directories(saltus_zstd SYSTEM INTERFACE ${ZSTD_INCLUDE_DIR})
target_link_libraries(saltus_zstd INTERFACE ${ZSTD_LIBRARY})

# HDF5 by name, its serial build: only the sources of H5MD in saltus/io see it. The 1.10 interface holds in later versions too.
find_path(HDF5_SERIAL_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(HDF5_SERIAL_LIBRARY NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial REQUIRED)
add_library(saltus_hdf5 INTERFACE)
target_include_directories(saltus_hdf5 SYSTEM INTERFACE ${HDF5_SERIAL_INCLUDE_DIR})
target_compile_definitions(saltus_hdf5 INTERFACE H5_USE_110_API)
target_link_libraries(saltus_hdf5 INTERFACE ${HDF5_SERIAL_LIBRARY})

# OpenBLAS by name: the reference BLAS is four to seven times slower.
find_library(OPENBLAS_LIBRARY openblas REQUIRED)
find_library(LAPACKE_LIBRARY lapacke REQUIRED)
find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES x86_64-linux-gnu aarch64-linux-gnu openblas REQUIRED)
find_path(LAPACKE_INCLUDE_DIR lapacke.h REQUIRED)
add_library(saltus_lapack INTERFACE)
target_include_directories(saltus_lapack SYSTEM INTERFACE ${CBLAS_INCLUDE_DIR} ${LAPACKE_INCLUDE_DIR})
target_link_libraries(saltus_lapack INTERFACE ${LAPACKE_LIBRARY} ${OPENBLAS_LIBRARY})

# spglib: only saltus/analysis/space_group.cpp sees it.
find_path(SPGLIB_INCLUDE_DIR spglib.h REQUIRED)
find_library(SPGLIB_LIBRARY symspg REQUIRED)
add_library(saltus_spglib INTERFACE)
target_include_directories(saltus_spglib SYSTEM INTERFACE ${SPGLIB_INCLUDE_DIR})
target_link_libraries(saltus_spglib INTERFACE ${SPGLIB_LIBRARY})
