// Any bytes as a pickle: refused with an Error, or records that refer to records that exist.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/pickle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const saltus::Pickle pickle(bytes, "fuzz");
    if (pickle.root() >= pickle.size() || pickle.size() > 2 * size + 8) std::abort();
    const auto check = [&](saltus::PickleId id) {
      if (id >= pickle.size()) std::abort();
    };
    for (saltus::PickleId id = 0; id < pickle.size(); ++id) {
      if (const auto* const items = pickle.items(id))
        for (const saltus::PickleId item : *items) check(item);
      if (const auto* const pairs = pickle.pairs(id))
        for (const auto& [key, value] : *pairs) check(key), check(value);
      if (const auto* const object = pickle.get<saltus::PickleObject>(id)) {
        check(object->callee);
        check(object->arguments);
        if (object->state) check(*object->state);
      }
      if (const auto* const persistent = pickle.get<saltus::PicklePersistent>(id)) check(persistent->id);
      if (const auto text = pickle.text(id); text && !text->empty() && (text->data() < bytes.data() || text->data() + text->size() > bytes.data() + size)) std::abort();
      pickle.class_name(id);
      pickle.find(id, "state");
    }
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported) std::abort();
  }
  return 0;
}
