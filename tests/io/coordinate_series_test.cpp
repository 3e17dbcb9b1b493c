#include "saltus/io/coordinate_series.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

float number(std::size_t frame, std::size_t particle) { return static_cast<float>(static_cast<double>(frame) + 0.001 * static_cast<double>(particle)); }

// 8 MB and more go to the file while frames are appended, so that memory, file and what is not yet written are all read.
TEST(CoordinateSeries, MemoryAndFileAreOne) {
  TemporaryFolder folder;
  constexpr std::size_t particles = 1000, frames = 7000;
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{particles * 4 * 1234 + 7}, std::uint64_t{1} << 40}) {
    CoordinateSeries series(particles, limit, folder.path());
    std::vector<float> row(particles), out;
    for (std::size_t t = 0; t < frames; ++t) {
      for (std::size_t p = 0; p < particles; ++p) row[p] = number(t, p);
      if (t == 0 || t == 10 || t == 5000) series.begin_segment();
      series.append(std::span<const float>(row));
    }
    series.begin_segment();
    EXPECT_EQ(folder.entries(), 0u);  // the file has no name
    EXPECT_EQ(series.frames(), frames);
    EXPECT_EQ(series.segment_start(), (std::vector<std::size_t>{10, 5000}));
    EXPECT_EQ(series.lowest_ang(), 0);
    EXPECT_EQ(series.highest_ang(), number(frames - 1, particles - 1));
    EXPECT_EQ(series.bytes_on_disk() > 0, limit < std::uint64_t{1} << 40);
    const CoordinateSeries moved(std::move(series));
    for (const std::size_t block : {1, 700, 7000}) {
      std::size_t wrong = 0;
      for (std::size_t end = frames; end > 0 && end + 3 * block > frames;) {
        const std::size_t first = end > block ? end - block : 0;
        moved.read(first, end - first, out);
        ASSERT_EQ(out.size(), (end - first) * particles);
        for (std::size_t t = first; t < end; ++t)
          for (std::size_t p = 0; p < particles; ++p) wrong += out[(t - first) * particles + p] != number(t, p);
        end = first;
      }
      EXPECT_EQ(wrong, 0u) << limit << " " << block;
    }
    moved.read(1200, 100, out);  // across the limit
    EXPECT_EQ(out.front(), number(1200, 0));
    EXPECT_EQ(out.back(), number(1299, particles - 1));
    EXPECT_THROW(moved.read(6999, 2, out), Error);
  }
}

TEST(CoordinateSeries, RefusesOtherParticlesAndInfinity) {
  EXPECT_THROW(CoordinateSeries(0), Error);
  CoordinateSeries series(2);
  series.append(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()});
  try {
    series.append(std::vector<double>{1, 2, 3});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "frame 1 has 3 particles, the frames before 2");
  }
  try {
    series.append(std::vector<float>{1, std::numeric_limits<float>::infinity()});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_STREQ(error.what(), "frame 1, particle 1: the coordinate is infinite or too large");
  }
  EXPECT_EQ(series.frames(), 1u);
  EXPECT_EQ(series.highest_ang(), 1);
  EXPECT_THROW(
      {
        CoordinateSeries nowhere(1, 0, "/nonexistent/folder");
        for (std::size_t k = 0; k < (std::size_t{1} << 20) + 1; ++k) nowhere.append(std::vector<float>{0});
      },
      Error);
}

std::string array(const std::string& type, const std::string& shape, const std::string& data, const std::string& order = "False") {
  std::string dictionary = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dictionary.size() & 255);
  bytes += static_cast<char>(dictionary.size() >> 8);
  return bytes + dictionary + data;
}

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers, bool swapped = false) {
  std::string bytes;
  for (const Number n : numbers) {
    char raw[sizeof(Number)];
    std::memcpy(raw, &n, sizeof raw);
    if (swapped) std::reverse(raw, raw + sizeof raw);
    bytes.append(raw, sizeof raw);
  }
  return bytes;
}

TEST(CoordinateSeries, NumpyArraysOfEitherTypeAndOrder) {
  TemporaryFolder folder;
  const std::vector<double> z{1, -2, 3.5, 4, 5, 0.25};
  const std::vector<float> f(z.begin(), z.end());
  const std::vector<std::pair<std::string, std::string>> files{
      {"<f8", bytes_of(z)}, {">f8", bytes_of(z, true)}, {"<f4", bytes_of(f)}, {">f4", bytes_of(f, true)}};
  for (const auto& [type, data] : files) {
    const CoordinateSeries series = CoordinateSeries::open_npy(folder.write("z.npy", array(type, "3, 2", data)));
    EXPECT_EQ(series.frames(), 3u);
    EXPECT_EQ(series.particles(), 2u);
    EXPECT_EQ(series.lowest_ang(), -2);
    EXPECT_EQ(series.highest_ang(), 5);
    std::vector<float> out;
    series.read(1, 2, out);
    EXPECT_EQ(out, (std::vector<float>{3.5f, 4, 5, 0.25f})) << type;
  }
  EXPECT_EQ(CoordinateSeries::open_npy(folder.write("one.npy", array("<f4", "6,", bytes_of(f)))).particles(), 1u);
}

TEST(CoordinateSeries, NumpyArraysThatAreRefused) {
  TemporaryFolder folder;
  const std::vector<float> f{1, 2, 3, 4, 5, 6};
  const auto expect_refused = [&](const std::string& content, ErrorKind kind, const std::string& words) {
    const auto path = folder.write("z.npy", content);
    try {
      CoordinateSeries::open_npy(path);
      ADD_FAILURE() << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with(path.string() + ": ")) << error.what();
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  expect_refused(array("<f4", "2, 1, 3", bytes_of(f)), ErrorKind::unsupported, "an array of shape (2, 1, 3), expected (frames, particles)");
  expect_refused(array("<i4", "3, 2", bytes_of(f)), ErrorKind::unsupported, "astype");
  expect_refused(array("<f4", "3, 2", bytes_of(f), "True"), ErrorKind::unsupported, "Fortran order");
  expect_refused(array("<f4", "4, 2", bytes_of(f)), ErrorKind::format, "cut off");
  expect_refused(array("<f4", "2, 2", bytes_of(f)), ErrorKind::format, "8 bytes more");
  expect_refused(array("<f4", "9223372036854775807, 9223372036854775807", bytes_of(f)), ErrorKind::format, "cut off");
  expect_refused(array("<f4", "0, 2", ""), ErrorKind::format, "holds no frame");
  expect_refused(array("<f4", "3, 0", ""), ErrorKind::format, "holds no frame");
  expect_refused("not an array at all", ErrorKind::format, "magic");
  std::vector<float> bad = f;
  bad[3] = std::nanf("");
  expect_refused(array("<f4", "3, 2", bytes_of(bad)), ErrorKind::format, "frame 1, particle 1: the coordinate is not a number");
  expect_refused(array("<f8", "3, 2", bytes_of(std::vector<double>{1, 2, 3, 4, 1e300, 6})), ErrorKind::format, "frame 2, particle 0: the coordinate is infinite or too large");
  EXPECT_THROW(CoordinateSeries::open_npy(folder / "none.npy"), Error);
  EXPECT_THROW(CoordinateSeries::open_npy(folder.path()), Error);
}

}  // namespace
}  // namespace saltus
