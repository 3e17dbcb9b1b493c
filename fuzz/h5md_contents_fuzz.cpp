// Any contents of a sound HDF5 file as H5MD: the input says what to change in a good one: datasets of other types, shapes and
// numbers, attributes, links, groups. It is after our layer; damaged HDF5 is for h5md_fuzz.
#include <algorithm>
#include <array>
#include <cstring>

#include "fuzz/h5md_reading.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/h5md_file.hpp"

namespace {

using saltus::h5md::Handle;

// The input, read from its start; zeros behind its end.
struct Input {
  std::string_view rest;

  std::uint8_t byte() {
    if (rest.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest[0]);
    rest.remove_prefix(1);
    return value;
  }
  std::size_t below(std::size_t n) { return byte() % n; }
  std::string bytes(std::size_t n) {
    std::string text(rest.substr(0, n));
    rest.remove_prefix(text.size());
    text.resize(n);
    return text;
  }
};

constexpr std::array places{
    "/particles/all/position/value", "/particles/all/position/step",  "/particles/all/position/time", "/particles/all/image/value",
    "/particles/all/image/step",     "/particles/all/velocity/value", "/particles/all/velocity/step", "/particles/all/force/value",
    "/particles/all/species",        "/particles/all/mass",           "/particles/all/box/edges",     "/particles/all/box/edges/value",
    "/particles/all/box/edges/step", "/observables/virial/value",     "/observables/virial/step",     "/observables/potential_energy/value",
    "/observables/energy/value",     "/observables/all/energy/value", "/h5md",                        "/particles",
    "/particles/all",                "/particles/all/box",            "/particles/all/position",      "/particles/all/image",
    "/particles/all/velocity",       "/particles/all/force",          "/observables",                 "/observables/virial",
    "/observables/potential_energy", "/particles/b/position/value",   "/particles/all/velocity/time", "/particles/all/charge"};
constexpr std::array attributes{"unit", "version", "dimension", "boundary", "offset", "author"};

Handle type_of(Input& in) {
  const auto enumeration = [&](hid_t base) {
    Handle type(H5Tenum_create(base));
    constexpr const char* names[] = {"Li", "Si", "O", "H", "X", "wrong"};
    for (std::size_t k = 0, n = in.below(4); k < n; ++k) {
      const int value = in.byte();
      H5Tenum_insert(type.get(), names[in.below(6)], &value);
    }
    return type;
  };
  switch (in.below(16)) {
    case 0: return Handle(H5Tcopy(H5T_IEEE_F64LE));
    case 1: return Handle(H5Tcopy(H5T_IEEE_F32LE));
    case 2: return Handle(H5Tcopy(H5T_IEEE_F64BE));
    case 3: return Handle(H5Tcopy(H5T_STD_I32LE));
    case 4: return Handle(H5Tcopy(H5T_STD_U64LE));
    case 5: return Handle(H5Tcopy(H5T_STD_I64BE));
    case 6: return Handle(H5Tcopy(H5T_STD_I8LE));
    case 7: return enumeration(H5T_NATIVE_INT);
    case 8: return enumeration(H5T_STD_I32BE);
    case 9: {
      Handle type(H5Tcopy(H5T_C_S1));
      H5Tset_size(type.get(), 1 + in.below(40));
      return type;
    }
    case 10: {
      Handle type(H5Tcopy(H5T_C_S1));
      H5Tset_size(type.get(), H5T_VARIABLE);
      return type;
    }
    case 11: {
      Handle type(H5Tcreate(H5T_COMPOUND, 16));
      H5Tinsert(type.get(), "r", 0, H5T_IEEE_F64LE);
      H5Tinsert(type.get(), "i", 8, H5T_IEEE_F64LE);
      return type;
    }
    case 12: return Handle(H5Tcreate(H5T_OPAQUE, 1 + in.below(9)));
    case 13: {
      const hsize_t three = 3;
      return Handle(H5Tarray_create2(H5T_IEEE_F64LE, 1, &three));
    }
    case 14: {
      Handle type(H5Tcopy(H5T_STD_I64LE));
      H5Tset_precision(type.get(), 1 + in.below(64));
      return type;
    }
    default: return Handle(H5Tvlen_create(H5T_STD_I32LE));
  }
}

Handle space_of(Input& in, std::vector<hsize_t>& shape, bool large) {
  const std::size_t rank = in.below(6);
  if (rank == 5) return Handle(H5Screate(H5S_NULL));
  constexpr hsize_t sizes[] = {3, 2, 1, 0, 4, 9, hsize_t{1} << 33, hsize_t{1} << 62};
  for (std::size_t k = 0; k < rank; ++k) shape.push_back(sizes[in.below(large ? 8 : 6)]);
  return Handle(H5Screate_simple(static_cast<int>(rank), shape.data(), nullptr));
}

// Numbers and texts of a dataset or attribute; pointers where strings have no fixed length.
template <typename Write>
void fill(Input& in, const Handle& type, const Handle& space, const Write& write) {
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  const std::size_t size = H5Tget_size(type.get());
  if (count <= 0 || count > 4096 || H5Tget_class(type.get()) == H5T_VLEN) return;
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<std::string> texts;
    std::vector<const char*> pointers;
    for (hssize_t k = 0; k < count; ++k) texts.push_back(in.bytes(in.below(20)));
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    write(pointers.data());
    return;
  }
  const std::string bytes = in.bytes(static_cast<std::size_t>(count) * size);
  write(bytes.data());
}

void make_parents(hid_t file, std::string_view path) {
  for (std::size_t at = path.find('/', 1); at != std::string_view::npos; at = path.find('/', at + 1)) {
    const std::string parent(path.substr(0, at));
    if (H5Lexists(file, parent.c_str(), H5P_DEFAULT) == 0) Handle(H5Gcreate2(file, parent.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
}

void change(hid_t file, Input& in) {
  const char* path = places[in.below(places.size())];
  const std::size_t what = in.below(8);
  if (what == 0) {  // other numbers
    const Handle dataset(H5Dopen2(file, path, H5P_DEFAULT));
    if (!dataset) return;
    const Handle type(H5Dget_type(dataset.get())), space(H5Dget_space(dataset.get()));
    fill(in, type, space, [&](const void* data) { H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data); });
    return;
  }
  if (what <= 2) {  // an attribute
    const Handle object(H5Oopen(file, path, H5P_DEFAULT));
    if (!object) return;
    const char* name = attributes[in.below(attributes.size())];
    H5Adelete(object.get(), name);
    std::vector<hsize_t> shape;
    const Handle type = type_of(in), space = space_of(in, shape, false);
    const Handle attribute(H5Acreate2(object.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    if (attribute) fill(in, type, space, [&](const void* data) { H5Awrite(attribute.get(), type.get(), data); });
    return;
  }
  H5Ldelete(file, path, H5P_DEFAULT);
  make_parents(file, path);
  if (what == 3) return;
  if (what == 4) {
    H5Lcreate_soft(in.below(2) ? places[in.below(places.size())] : in.bytes(in.below(30)).c_str(), file, path, H5P_DEFAULT, H5P_DEFAULT);
  } else if (what == 5) {
    H5Lcreate_hard(file, places[in.below(places.size())], file, path, H5P_DEFAULT, H5P_DEFAULT);
  } else if (what == 6) {
    Handle(H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  } else {  // another dataset
    std::vector<hsize_t> shape;
    const Handle type = type_of(in), creation(H5Pcreate(H5P_DATASET_CREATE));
    const std::size_t layout = in.below(6);
    const Handle space = space_of(in, shape, layout > 1);
    if (layout == 1) H5Pset_layout(creation.get(), H5D_COMPACT);
    if (layout > 1 && !shape.empty()) {
      std::vector<hsize_t> chunk;
      for (const hsize_t n : shape) chunk.push_back(std::clamp<hsize_t>(n, 1, 3));
      H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
      if (layout == 3) H5Pset_deflate(creation.get(), 1);
      if (layout == 4) H5Pset_shuffle(creation.get());
      if (layout == 5) H5Pset_fletcher32(creation.get());
    }
    const Handle dataset(H5Dcreate2(file, path, type.get(), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    if (dataset)
      fill(in, type, space, [&](const void* data) { H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data); });
  }
}

std::string image_of(hid_t file) {
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  if (size <= 0) std::abort();
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (H5Fget_file_image(file, bytes.data(), bytes.size()) != size) std::abort();
  return bytes;
}

Handle in_memory() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fapl_core(access.get(), std::size_t{1} << 16, false);
  return access;
}

Handle open_image(std::string& bytes, unsigned flags) {
  const Handle access = in_memory();
  H5Pset_file_image(access.get(), bytes.data(), bytes.size());
  Handle file(H5Fopen("changed in memory", flags, access.get()));
  if (!file) std::abort();
  return file;
}

// Three frames of two atoms with all that a file can hold. In the older file format: of the newer one HDF5 1.10.8 gives no image
// that can be opened again.
std::string good_file() {
  saltus::Frame frame;
  frame.atoms = std::make_shared<const saltus::Atoms>(saltus::atoms_of({3, 14}));
  frame.cell = saltus::Cell({{saltus::Vec3{6, 0, 0}, {1, 7, 0}, {0, 1, 8}}}, {true, true, true});
  frame.position_ang = {{1, 2, 3}, {4, 5, 9}};
  frame.velocity_ang_fs = frame.force_ev_ang = {{0.1, 0.2, 0.3}, {-0.1, 0, 0.5}};
  frame.energy_ev = -3;
  frame.virial_ev = saltus::Mat3{{saltus::Vec3{1, 2, 3}, {2, 4, 5}, {3, 5, 6}}};
  const auto path = std::filesystem::temp_directory_path() / ("h5md_contents_" + std::to_string(::getpid()) + ".h5md");
  const auto writer = saltus::create_h5md(path);
  for (; frame.step < 3; ++frame.step, frame.time_fs += 0.5) writer->write(frame);
  writer->commit();
  std::string written = saltus::read_file(path);
  std::filesystem::remove(path);
  const saltus::h5md::Session session;
  const Handle source = open_image(written, H5F_ACC_RDONLY), target(H5Fcreate("in memory too", H5F_ACC_TRUNC, H5P_DEFAULT, in_memory().get()));
  for (const char* group : {"h5md", "particles", "observables"})
    if (H5Ocopy(source.get(), group, target.get(), group, H5P_DEFAULT, H5P_DEFAULT) < 0) std::abort();
  return image_of(target.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string good = good_file();
  Input in{{reinterpret_cast<const char*>(data), size}};
  std::string bytes;
  {
    const saltus::h5md::Session session;
    std::string start = good;
    const Handle file = open_image(start, H5F_ACC_RDWR);
    for (int k = 0; k < 8 && !in.rest.empty(); ++k) change(file.get(), in);
    bytes = image_of(file.get());
  }
  if (size == 0 && !saltus::open_h5md_bytes(bytes, "fuzz")->count()) std::abort();  // unchanged it must be read
  saltus::read_fuzzed_h5md(bytes);
  return 0;
}
