// Any pickle in a torch archive whose other entries are sound: refused with an Error, or tensors that can be copied and a model that can be
// converted. The first byte says whether it is the pickle of a whole file or of TorchScript's constants; checksums are put right.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/published_model.hpp"
#include "saltus/models/torch_archive.hpp"
#include "tests/models/archive_writer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string pickle(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto entry = [](const char* name, std::string content) {
    saltus::test::ZipPart part;
    part.name = name;
    part.content = std::move(content);
    return part;
  };
  const std::string storage(4096, '\x3f');
  const bool constants = data[0] % 2 == 1;
  std::vector<saltus::test::ZipPart> parts{entry("m/data.pkl", constants ? saltus::test::pickled("c__torch__.sevenn.nn.sequential\nAtomGraphSequential\n)\x81}b") : pickle),
                                           entry("m/data/0", storage), entry("m/data/1", storage), entry("m/constants/0", storage), entry("m/constants/1", storage)};
  if (constants) {
    parts.push_back(entry("m/constants.pkl", pickle));
    parts.push_back(entry("m/code/a.py", "class AtomGraphSequential torch.sin(torch.mul(CONSTANTS.c0, 0.40000000000000002 torch.lt(r, 4.5) 107.171875 60.75 torch.clamp_min(torch.norm( torch.one_hot(inp, 2)"));
    for (const auto& [name, text] : {std::pair{"model_type", "E3_equivariant_model"}, {"version", "0.9.1"}, {"cutoff", "5.0"}, {"dtype", "single"}, {"chemical_symbols_to_index", "H O"}, {"num_species", "2"}})
      parts.push_back(entry((std::string("m/extra/") + name).c_str(), text));
  }
  const std::string bytes = saltus::test::zip_bytes(parts);
  const auto expect_refusal = [](const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported) std::abort();
  };
  try {
    const saltus::TorchArchive archive(bytes, "fuzz");
    for (const saltus::TensorView& view : archive.all_tensors())
      if (saltus::copy(view).bytes.size() != saltus::count(view) * saltus::size_bytes(view.dtype)) std::abort();
  } catch (const saltus::Error& error) {
    expect_refusal(error);
  }
  try {
    const saltus::PublishedModel model = saltus::read_published_model(bytes, "fuzz");
    const saltus::PublishedModel again = saltus::read_published_model(saltus::safetensors_bytes(saltus::to_container(model)), "again");
    if (again.tensors.tensors != model.tensors.tensors || again.architecture != model.architecture) std::abort();
  } catch (const saltus::Error& error) {
    expect_refusal(error);
  }
  return 0;
}
