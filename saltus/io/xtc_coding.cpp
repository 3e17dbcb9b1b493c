#include "saltus/io/xtc_coding.hpp"

#include <array>
#include <bit>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/byte_file.hpp"

namespace saltus {

namespace {

__extension__ using Wide = unsigned __int128;

// Number of values of a small offset: about 2^(index/3), so that three of them fit into `index` bits.
constexpr int first_small = 9;
constexpr std::array<std::uint32_t, 73> small_counts{
    0,       0,       0,       0,       0,        0,        0,       0,       0,       8,       10,
    12,      16,      20,      25,      32,       40,       50,      64,      80,      101,     128,
    161,     203,     256,     322,     406,      512,      645,     812,     1024,    1290,    1625,
    2048,    2580,    3250,    4096,    5060,     6501,     8192,    10321,   13003,   16384,   20642,
    26007,   32768,   41285,   52015,   65536,    82570,    104031,  131072,  165140,  208063,  262144,
    330280,  416127,  524287,  660561,  832255,   1048576,  1321122, 1664510, 2097152, 2642245, 3329021,
    4194304, 5284491, 6658042, 8388607, 10568983, 13316085, 16777216};

// Division by a number that is used often: the estimate from the reciprocal is the quotient or one less.
struct Divisor {
  std::uint64_t value = 1, reciprocal = ~std::uint64_t{0};

  constexpr Divisor() = default;
  constexpr explicit Divisor(std::uint64_t divisor) : value(divisor), reciprocal(~std::uint64_t{0} / divisor) {}
  std::uint64_t divide(std::uint64_t number, std::uint64_t& remainder) const {
    std::uint64_t quotient = static_cast<std::uint64_t>((Wide{number} * reciprocal) >> 64);
    remainder = number - quotient * value;
    const bool one_more = remainder >= value;
    quotient += one_more;
    remainder -= one_more ? value : 0;
    return quotient;
  }
};

constexpr auto small_divisors = [] {
  std::array<Divisor, small_counts.size()> divisors;
  for (std::size_t k = first_small; k < small_counts.size(); ++k) divisors[k] = Divisor(small_counts[k]);
  return divisors;
}();

// Bits from the most significant one of each byte on.
struct Bits {
  const char* bytes;
  std::uint64_t at = 0;  // in bits

  // The next 64 bits.
  std::uint64_t peek() const {
    const char* const start = bytes + (at >> 3);
    const unsigned shift = at & 7;
    return load<std::uint64_t>(start, std::endian::big) << shift | static_cast<unsigned char>(start[8]) >> (8 - shift);
  }
  // 1…57 bits as one number.
  std::uint64_t take(unsigned count) {
    const std::uint64_t value = peek() >> (64 - count);
    at += count;
    return value;
  }
  // 1…64 bits stored as whole bytes, the least significant first, and the rest.
  std::uint64_t take_little(unsigned count) {
    const std::uint64_t next = peek();
    at += count;
    const unsigned rest = count & 7, whole = count & ~7u;
    const std::uint64_t rest_bits = (next >> (64 - count)) & ((1u << rest) - 1);
    const std::uint64_t whole_bits =
        __builtin_bswap64(next) & (whole == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << whole) - 1);
    return whole_bits | (whole == 64 ? 0 : rest_bits << whole);
  }
};

struct Triple {
  std::int64_t x, y, z;
};

// x, y, z from (x·count_y + y)·count_z + z in `bits` bits, up to 72.
inline Triple take_triple(Bits& from, unsigned bits, const Divisor& count_y, const Divisor& count_z) {
  std::uint64_t x, y, z;
  if (bits <= 64) [[likely]] {
    x = count_y.divide(count_z.divide(from.take_little(bits), z), y);
  } else {
    const std::uint64_t low = from.take_little(64);
    const Wide packed = Wide{from.take(bits - 64)} << 64 | low;
    z = static_cast<std::uint64_t>(packed % count_z.value);
    const Wide rest = packed / count_z.value;
    y = static_cast<std::uint64_t>(rest % count_y.value);
    x = static_cast<std::uint64_t>(rest / count_y.value);
  }
  return {static_cast<std::int64_t>(x), static_cast<std::int64_t>(y), static_cast<std::int64_t>(z)};
}

[[noreturn]] void refuse(const char* message) {
  throw Error(ErrorKind::format, fmt::format("the compressed positions {}; the file is damaged", message));
}

}  // namespace

std::uint64_t least_xtc_bytes(std::uint64_t atoms) { return atoms / 4; }  // one bit of position and one of run length

void decode_xtc(const XtcBlock& block, const char* bytes, std::uint64_t count, double scale,
                std::span<Vec3> positions) {
  std::uint64_t size[3];
  bool packed = true;
  for (int axis = 0; axis < 3; ++axis) {
    if (block.maximum[axis] < block.minimum[axis]) refuse("have a maximum below their minimum");
    size[axis] = static_cast<std::uint64_t>(std::int64_t{block.maximum[axis]} - block.minimum[axis] + 1);
    packed = packed && size[axis] <= 0xffffff;
  }
  const unsigned group_bits = packed ? [&] {
    const Wide product = Wide{size[0]} * size[1] * size[2];
    const auto high = static_cast<std::uint64_t>(product >> 64);
    return static_cast<unsigned>(high ? 64 + std::bit_width(high)
                                      : std::bit_width(static_cast<std::uint64_t>(product)));
  }()
                                     : 0;
  const Divisor count_y(size[1]), count_z(size[2]);
  const Triple minimum{block.minimum[0], block.minimum[1], block.minimum[2]};

  int small = block.small_index;
  const auto is_small_index = [](int k) { return k >= first_small && k < static_cast<int>(small_counts.size()); };
  if (!is_small_index(small)) refuse("have an unknown width of small offsets");

  const std::uint64_t end = 8 * count;
  const std::size_t n = positions.size();
  Bits from{bytes};
  unsigned run = 0;  // atoms behind the one of the group; stays until it is changed
  bool in_range = true;
  const auto put = [&](std::size_t i, const Triple& v) {
    positions[i] = {scale * static_cast<double>(v.x), scale * static_cast<double>(v.y),
                    scale * static_cast<double>(v.z)};
  };
  for (std::size_t i = 0; i < n;) {
    // A group takes at most 102 bytes, which may be read whatever they hold.
    if (from.at >= end) refuse("end before the last atom");
    Triple atom;
    if (packed) {
      atom = take_triple(from, group_bits, count_y, count_z);
      in_range = in_range && static_cast<std::uint64_t>(atom.x) < size[0];
    } else {
      const auto take = [&](int axis) {
        const std::uint64_t value = from.take(static_cast<unsigned>(std::bit_width(size[axis])));
        in_range = in_range && value < size[axis];
        return static_cast<std::int64_t>(value);
      };
      atom.x = take(0);
      atom.y = take(1);
      atom.z = take(2);
    }
    atom = {atom.x + minimum.x, atom.y + minimum.y, atom.z + minimum.z};

    int change = 0;
    const std::uint64_t next_six = from.peek() >> 58;
    if (next_six & 32) {
      const auto code = static_cast<unsigned>(next_six & 31);
      run = code / 3;
      change = static_cast<int>(code % 3) - 1;
      from.at += 6;
    } else {
      from.at += 1;
    }
    if (run >= n - i) refuse("have a run beyond the last atom");
    if (run == 0) {
      put(i++, atom);
    } else {
      const Divisor divisor = small_divisors[static_cast<std::size_t>(small)];
      const auto half = static_cast<std::int64_t>(divisor.value / 2);
      const auto bits = static_cast<unsigned>(small);
      Triple before = atom;
      for (unsigned k = 0; k < run; ++k) {
        Triple next = take_triple(from, bits, divisor, divisor);
        in_range = in_range && static_cast<std::uint64_t>(next.x) < divisor.value;
        next = {next.x + before.x - half, next.y + before.y - half, next.z + before.z - half};
        put(i++, next);
        if (k == 0) put(i++, before);  // the group's own atom comes second
        before = next;
      }
    }
    small += change;
    if (!is_small_index(small)) refuse("have an unknown width of small offsets");
  }
  if (from.at > end) refuse("end before the last atom");
  if (!in_range) refuse("have an offset out of range");
}

}  // namespace saltus
