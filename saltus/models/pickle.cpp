#include "saltus/models/pickle.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::uint8_t newest_protocol = 5;

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& place, std::vector<PickleRecord>& records)
      : bytes_(bytes), place_(place), records_(records) {}

  PickleId run() {
    none_ = add(PickleNone{});
    true_ = add(true);
    false_ = add(false);
    while (step()) {
    }
    if (stack_.size() != 1 || !marks_.empty()) fail("STOP with {} values on the stack and {} marks", stack_.size(), marks_.size());
    return stack_.back();
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::format, fmt::format("{}: byte {} of the pickle: {}", place_, opcode_at_, fmt::format(message, std::forward<Args>(args)...)));
  }
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(ErrorKind::unsupported, fmt::format("{}: byte {} of the pickle: {}", place_, opcode_at_, fmt::format(message, std::forward<Args>(args)...)));
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("cut off: {} bytes expected, {} are left", count, bytes_.size() - at_);
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  template <class Number>
  Number take_number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take_line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("cut off: a line without an end");
    const std::string_view line = take(end - at_);
    ++at_;
    return line;
  }

  PickleId add(PickleRecord record) {
    if (records_.size() >= most_pickle_records) refuse("more than {} records", most_pickle_records);
    records_.push_back(std::move(record));
    return static_cast<PickleId>(records_.size() - 1);
  }
  void push(PickleRecord record) { stack_.push_back(add(std::move(record))); }

  std::size_t bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleId pop() {
    if (stack_.size() <= bottom()) fail("a value is taken from an empty stack");
    const PickleId top = stack_.back();
    stack_.pop_back();
    return top;
  }
  PickleId top() const {
    if (stack_.size() <= bottom()) fail("a value is needed, but the stack is empty");
    return stack_.back();
  }
  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) fail("there is no mark");
    std::vector<PickleId> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  void make_tuple(std::size_t count) {
    std::vector<PickleId> items(count);
    while (count-- > 0) items[count] = pop();
    push(PickleTuple{std::move(items)});
  }

  static std::vector<std::pair<PickleId, PickleId>> pairs_of(const std::vector<PickleId>& items) {
    std::vector<std::pair<PickleId, PickleId>> pairs;
    for (std::size_t k = 0; k + 1 < items.size(); k += 2) pairs.emplace_back(items[k], items[k + 1]);
    return pairs;
  }

  void append(PickleId target, const std::vector<PickleId>& items) {
    std::vector<PickleId>* list = nullptr;
    if (auto* const plain = std::get_if<PickleList>(&records_[target])) list = &plain->items;
    else if (auto* const object = std::get_if<PickleObject>(&records_[target])) list = &object->items;
    else fail("items are appended to something that is no list");
    list->insert(list->end(), items.begin(), items.end());
  }
  void set_items(PickleId target, const std::vector<PickleId>& items) {
    if (items.size() % 2 != 0) fail("a key without a value");
    const auto pairs = pairs_of(items);
    std::vector<std::pair<PickleId, PickleId>>* list = nullptr;
    if (auto* const dict = std::get_if<PickleDict>(&records_[target])) list = &dict->items;
    else if (auto* const object = std::get_if<PickleObject>(&records_[target])) list = &object->pairs;
    else fail("items are set in something that is no dictionary");
    list->insert(list->end(), pairs.begin(), pairs.end());
  }

  void put(std::uint64_t key) { memo_[key] = top(); }
  void get(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("nothing was stored as number {}", key);
    stack_.push_back(found->second);
  }
  std::uint64_t key_of(std::string_view line) const {
    const auto key = parse_int(line);
    if (!key || *key < 0) fail("'{}' is no number of a stored value", line.size() > 20 ? "…" : std::string(line));
    return static_cast<std::uint64_t>(*key);
  }

  void push_integer(std::string_view little_endian) {
    if (little_endian.size() > 8) refuse("an integer of {} bytes; at most 8 are read", little_endian.size());
    std::uint64_t value = 0;
    for (std::size_t k = 0; k < little_endian.size(); ++k) value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(little_endian[k])) << (8 * k);
    if (!little_endian.empty() && little_endian.size() < 8 && (static_cast<std::uint8_t>(little_endian.back()) & 0x80))
      value |= ~std::uint64_t{0} << (8 * little_endian.size());
    push(static_cast<std::int64_t>(value));
  }
  void push_decimal(std::string_view line) {
    if (!line.empty() && line.back() == 'L') line.remove_suffix(1);
    const auto value = parse_int(line);
    if (!value) fail("an integer that is not one, or beyond 64 bits");
    push(*value);
  }
  void push_real(std::string_view line) {
    const auto value = parse_double(line);
    if (!value) fail("a number that is not one");
    push(*value);
  }

  void push_symbol(std::string_view module, std::string_view name) { push(PickleSymbol{module, name}); }
  void push_object(PickleId callee, PickleId arguments) {
    if (!std::holds_alternative<PickleTuple>(records_[arguments])) fail("a call whose arguments are no tuple");
    push(PickleObject{callee, arguments, {}, {}, {}});
  }
  void push_object_from_mark() {
    std::vector<PickleId> items = pop_to_mark();
    if (items.empty()) fail("a call of nothing");
    const PickleId callee = items.front();
    items.erase(items.begin());
    push_object(callee, add(PickleTuple{std::move(items)}));
  }
  void build() {
    const PickleId state = pop();
    auto* const object = std::get_if<PickleObject>(&records_[top()]);
    if (!object) fail("a state is given to something that is no object");
    object->state = state;
  }

  bool step() {
    opcode_at_ = at_;
    const char opcode = take(1)[0];
    switch (opcode) {
      case '\x80': {  // PROTO
        const auto protocol = take_number<std::uint8_t>();
        if (protocol > newest_protocol) refuse("protocol {}; at most {} is read", protocol, newest_protocol);
        return true;
      }
      case '\x95': {  // FRAME: its bytes follow
        const auto length = take_number<std::uint64_t>();
        if (length > bytes_.size() - at_) fail("cut off: a frame of {} bytes, {} are left", length, bytes_.size() - at_);
        return true;
      }
      case '.': return false;  // STOP
      case '(': marks_.push_back(stack_.size()); return true;
      case '0': {  // POP, of a mark too
        if (!marks_.empty() && marks_.back() == stack_.size()) marks_.pop_back();
        else pop();
        return true;
      }
      case '1': pop_to_mark(); return true;
      case '2': stack_.push_back(top()); return true;  // DUP
      case 'N': stack_.push_back(none_); return true;
      case '\x88': stack_.push_back(true_); return true;
      case '\x89': stack_.push_back(false_); return true;
      case 'I': {  // "00" and "01" are booleans
        const std::string_view line = take_line();
        if (line == "00" || line == "01") stack_.push_back(line == "01" ? true_ : false_);
        else push_decimal(line);
        return true;
      }
      case 'L': push_decimal(take_line()); return true;
      case 'J': push(std::int64_t{take_number<std::int32_t>()}); return true;
      case 'K': push(std::int64_t{take_number<std::uint8_t>()}); return true;
      case 'M': push(std::int64_t{take_number<std::uint16_t>()}); return true;
      case '\x8a': push_integer(take(take_number<std::uint8_t>())); return true;
      case 'F': push_real(take_line()); return true;
      case 'G': push(std::bit_cast<double>(__builtin_bswap64(take_number<std::uint64_t>()))); return true;
      case 'X': push(PickleText{take(take_number<std::uint32_t>())}); return true;
      case '\x8c': push(PickleText{take(take_number<std::uint8_t>())}); return true;
      case '\x8d': push(PickleText{take(take_number<std::uint64_t>())}); return true;
      case 'U': push(PickleText{take(take_number<std::uint8_t>())}); return true;  // text of Python 2
      case 'T': push(PickleText{take(take_number<std::uint32_t>())}); return true;
      case 'B': push(PickleBytes{take(take_number<std::uint32_t>())}); return true;
      case 'C': push(PickleBytes{take(take_number<std::uint8_t>())}); return true;
      case '\x8e': push(PickleBytes{take(take_number<std::uint64_t>())}); return true;
      case '\x96': push(PickleBytes{take(take_number<std::uint64_t>())}); return true;
      case ']': push(PickleList{}); return true;
      case 'l': push(PickleList{pop_to_mark()}); return true;
      case 'a': {
        const PickleId item = pop();
        append(top(), {item});
        return true;
      }
      case 'e': case '\x90': {  // APPENDS, ADDITEMS
        const std::vector<PickleId> items = pop_to_mark();
        append(top(), items);
        return true;
      }
      case '\x8f': push(PickleList{}); return true;           // EMPTY_SET
      case '\x91': push(PickleList{pop_to_mark()}); return true;  // FROZENSET
      case ')': push(PickleTuple{}); return true;
      case 't': push(PickleTuple{pop_to_mark()}); return true;
      case '\x85': make_tuple(1); return true;
      case '\x86': make_tuple(2); return true;
      case '\x87': make_tuple(3); return true;
      case '}': push(PickleDict{}); return true;
      case 'd': {
        const std::vector<PickleId> items = pop_to_mark();
        if (items.size() % 2 != 0) fail("a key without a value");
        push(PickleDict{pairs_of(items)});
        return true;
      }
      case 's': {
        const PickleId value = pop(), key = pop();
        set_items(top(), {key, value});
        return true;
      }
      case 'u': {
        const std::vector<PickleId> items = pop_to_mark();
        set_items(top(), items);
        return true;
      }
      case 'p': put(key_of(take_line())); return true;
      case 'q': put(take_number<std::uint8_t>()); return true;
      case 'r': put(take_number<std::uint32_t>()); return true;
      case '\x94': put(memo_.size()); return true;  // MEMOIZE
      case 'g': get(key_of(take_line())); return true;
      case 'h': get(take_number<std::uint8_t>()); return true;
      case 'j': get(take_number<std::uint32_t>()); return true;
      case 'c': {
        const std::string_view module = take_line(), name = take_line();
        push_symbol(module, name);
        return true;
      }
      case '\x93': {  // STACK_GLOBAL
        const auto *const name = std::get_if<PickleText>(&records_[pop()]), *const module = std::get_if<PickleText>(&records_[pop()]);
        if (!name || !module) fail("the name of a class that is no text");
        push_symbol(module->value, name->value);
        return true;
      }
      case 'R': case '\x81': {  // REDUCE, NEWOBJ
        const PickleId arguments = pop(), callee = pop();
        push_object(callee, arguments);
        return true;
      }
      case '\x92': {  // NEWOBJ_EX: the keyword arguments go last
        const PickleId keywords = pop(), arguments = pop(), callee = pop();
        const auto* const plain = std::get_if<PickleTuple>(&records_[arguments]);
        if (!plain) fail("a call whose arguments are no tuple");
        std::vector<PickleId> items = plain->items;
        items.push_back(keywords);
        push_object(callee, add(PickleTuple{std::move(items)}));
        return true;
      }
      case 'o': push_object_from_mark(); return true;
      case 'i': {
        const std::string_view module = take_line(), name = take_line();
        std::vector<PickleId> items = pop_to_mark();
        const PickleId arguments = add(PickleTuple{std::move(items)});
        push_object(add(PickleSymbol{module, name}), arguments);
        return true;
      }
      case 'b': build(); return true;
      case 'Q': {
        const PickleId id = pop();
        push(PicklePersistent{id});
        return true;
      }
      default:
        if (opcode == 'P' || opcode == 'S' || opcode == 'V' || opcode == '\x82' || opcode == '\x83' || opcode == '\x84' || opcode == '\x8b' ||
            opcode == '\x97' || opcode == '\x98')
          refuse("opcode 0x{:02x} is not read: no published model needs it", static_cast<std::uint8_t>(opcode));
        fail("0x{:02x} is no opcode", static_cast<std::uint8_t>(opcode));
    }
  }

  std::string_view bytes_;
  const std::string& place_;
  std::vector<PickleRecord>& records_;
  std::size_t at_ = 0, opcode_at_ = 0;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;  ///< heights of the stack
  std::unordered_map<std::uint64_t, PickleId> memo_;
  PickleId none_ = 0, true_ = 0, false_ = 0;
};

}  // namespace

Pickle::Pickle(std::string_view bytes, std::string place) : place_(std::move(place)) {
  if (bytes.size() > largest_pickle_bytes)
    throw Error(ErrorKind::unsupported, fmt::format("{}: a pickle of {} bytes; at most {} are read", place_, bytes.size(), largest_pickle_bytes));
  root_ = Machine(bytes, place_, records_).run();
}

std::optional<std::int64_t> Pickle::integer(PickleId id) const {
  if (const auto* const value = get<std::int64_t>(id)) return *value;
  if (const auto* const value = get<bool>(id)) return *value ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Pickle::number(PickleId id) const {
  if (const auto* const value = get<double>(id)) return *value;
  if (const auto* const value = get<std::int64_t>(id)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<std::string_view> Pickle::text(PickleId id) const {
  if (const auto* const value = get<PickleText>(id)) return value->value;
  return std::nullopt;
}

std::string Pickle::class_name(PickleId id) const {
  if (const auto* const object = get<PickleObject>(id)) id = object->callee;
  const auto* const symbol = get<PickleSymbol>(id);
  return symbol ? fmt::format("{}.{}", symbol->module, symbol->name) : std::string();
}

const std::vector<PickleId>* Pickle::items(PickleId id) const {
  if (const auto* const list = get<PickleList>(id)) return &list->items;
  if (const auto* const tuple = get<PickleTuple>(id)) return &tuple->items;
  if (const auto* const object = get<PickleObject>(id)) return &object->items;
  return nullptr;
}

const std::vector<std::pair<PickleId, PickleId>>* Pickle::pairs(PickleId id) const {
  if (const auto* const dict = get<PickleDict>(id)) return &dict->items;
  if (const auto* const object = get<PickleObject>(id)) return &object->pairs;
  return nullptr;
}

std::optional<PickleId> Pickle::find(PickleId id, std::string_view key) const {
  const auto* const entries = pairs(id);
  if (!entries) return std::nullopt;
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry)
    if (text(entry->first) == key) return entry->second;
  return std::nullopt;
}

}  // namespace saltus
