#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/compressed.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

std::string gzip_of(std::string_view text) {
  z_stream state{};
  EXPECT_EQ(deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&state, static_cast<uLong>(text.size())) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&state, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - state.avail_out);
  deflateEnd(&state);
  return packed;
}

std::string zstd_of(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
  EXPECT_FALSE(ZSTD_isError(size));
  packed.resize(size);
  return packed;
}

std::string packed_of(Compression compression, std::string_view text) {
  return compression == Compression::gzip ? gzip_of(text) : zstd_of(text);
}

constexpr Compression kinds[] = {Compression::gzip, Compression::zstd};

// Frames of different lengths, more than a block of the reader together.
std::string long_text(std::size_t frames) {
  Random random(3, 0);
  std::string text;
  for (std::size_t k = 0; k < frames; ++k) {
    const std::size_t n = 1 + random.below(40);
    text += std::to_string(n) + "\nstep=" + std::to_string(k) + " Properties=species:S:1:pos:R:3\n";
    for (std::size_t i = 0; i < n; ++i) text += "Li " + std::to_string(random.normal()) + " " + std::to_string(random.normal()) + " 0.5\n";
  }
  return text;
}

TEST(Compressed, ReadsAsThePlainFile) {
  TemporaryFolder folder;
  const std::string text = long_text(2000);
  const auto plain = read_frames(folder.write("plain.xyz", text));
  ASSERT_EQ(plain.size(), 2000u);
  for (const auto compression : kinds) {
    // Two streams one after another, as 'cat a.gz b.gz' makes, cut in the middle of a line.
    const std::string packed = packed_of(compression, text.substr(0, 500'000)) + packed_of(compression, text.substr(500'000));
    // The name does not matter: the content says what it is.
    const auto path = folder.write(compression == Compression::gzip ? "a.xyz.gz" : "b", packed);
    EXPECT_STREQ(trajectory_format_of(path).name, "extxyz");
    const auto reader = open_trajectory(path);
    Frame frame;
    for (const auto& expected : plain) {
      ASSERT_TRUE(reader->read_next(frame));
      ASSERT_EQ(frame.position_ang, expected.position_ang);
      ASSERT_EQ(frame.step, expected.step);
    }
    EXPECT_FALSE(reader->read_next(frame));
    EXPECT_EQ(reader->count(), 2000u);
    for (const std::size_t k : {1999u, 3u, 1500u, 1501u, 0u}) {  // forward and back
      reader->seek(k);
      ASSERT_TRUE(reader->read_next(frame));
      EXPECT_EQ(frame.position_ang, plain[k].position_ang);
    }
    EXPECT_EQ(open_extxyz_text(packed, "memory")->count(), 2000u);
  }
}

TEST(Compressed, CutOffAnywhere) {
  const std::string text = long_text(6);
  const auto frames_before_error = [](const std::string& packed, std::string& message) {
    std::size_t frames = 0;
    try {
      const auto reader = open_extxyz_text(packed, "cut.xyz.gz");
      for (Frame frame; reader->read_next(frame);) ++frames;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      message = error.what();
    }
    return frames;
  };
  for (const auto compression : kinds) {
    const std::string packed = packed_of(compression, text);
    for (std::size_t length = 4; length < packed.size(); ++length) {
      std::string message;
      frames_before_error(packed.substr(0, length), message);
      EXPECT_NE(message.find("it is cut off"), std::string::npos) << length << " " << message;
      EXPECT_EQ(message.rfind("cut.xyz.gz, frame ", 0), 0u) << message;
    }
  }
  // All of the content is there, only the checksum is not: every frame can be read.
  std::string message;
  const std::string packed = gzip_of(text);
  EXPECT_EQ(frames_before_error(packed.substr(0, packed.size() - 8), message), 6u);
  EXPECT_NE(message.find(std::to_string(packed.size() - 8)), std::string::npos) << message;
}

TEST(Compressed, Damaged) {
  const auto message_of = [](const std::string& packed) {
    try {
      LineReader lines{std::string_view(packed)};
      for (std::string_view line; lines.next(line);) {
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format) << error.what();
      return std::string(error.what());
    }
    return std::string("read");
  };
  const std::string text = long_text(200), gzip = gzip_of(text), zstd = zstd_of(text);
  std::string wrong_sum = gzip, wrong_length = gzip, flipped = gzip, bad_method = gzip, bad_descriptor = zstd;
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  wrong_length[wrong_length.size() - 2] ^= 1;
  for (std::size_t k = 100; k < 140; ++k) flipped[k] = '\xff';
  bad_method[2] = 7;
  bad_descriptor[4] = '\xff';
  EXPECT_NE(message_of(wrong_sum).find("incorrect data check"), std::string::npos);
  EXPECT_NE(message_of(wrong_length).find("incorrect length check"), std::string::npos);
  EXPECT_NE(message_of(flipped).find("the gzip data are damaged near byte "), std::string::npos);
  EXPECT_NE(message_of(bad_method).find("unknown compression method"), std::string::npos);
  EXPECT_NE(message_of(gzip + "trailing text").find("incorrect header check"), std::string::npos);
  EXPECT_EQ(message_of(gzip + std::string(1000, '\0')), "read");  // filled up with zeros
  EXPECT_NE(message_of(bad_descriptor).find("the zstd data are damaged near byte "), std::string::npos);
  EXPECT_NE(message_of(zstd + "trailing text").find("Unknown frame descriptor"), std::string::npos);
  EXPECT_NE(message_of(zstd + std::string("\x26\xb5\x2f\xfd\0\0\x89\0\0\0\0C%4", 14)).find("Unknown frame descriptor"), std::string::npos);  // of version 0.6
  EXPECT_EQ(message_of(std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11) + zstd), "read");  // a skippable frame
  EXPECT_EQ(message_of(zstd + std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11)), "read");
  // A window of 2 GiB, as zstd --long=31 writes: frame header with window descriptor 0xa8.
  EXPECT_NE(message_of(std::string("\x28\xb5\x2f\xfd\0\xa8\0\0\0", 9)).find("without --long"), std::string::npos);
}

// Found by the fuzzer: frames of legal and damaged blocks. Asked again after its refusal, the zstd decoder made lines of what followed.
TEST(Compressed, WhatWasRefusedStaysRefused) {
  const std::string damaged[] = {
      std::string("\x28\xb5\x2f\xfd\x04\x58\x00\x00\x00\x58\x00\x00\x02\x03\x03\x00\x02\x00\x0a\x0a\x00\x00\x00\x02\x03\x03\x00\x02\x00\x0a\x00\x00\x00\x58\x00\x00\x02\x03\x03"
                  "\x00\x02\x00\x0a\x0a\x00\x00\x00\x02\x03\x03\x00\x02\x00\x0a\xc6\x0a\x00\xc6\x0a\x00", 60),
      std::string("\x28\xb5\x2f\xfd\x04\x58\x58\x00\x00\x58\x0a\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x03\x0a\x5d\x84", 42),
      std::string("\x28\xb5\x2f\xfd\x04\x58\x00\x00\x00\x58\x00\x00\x02\x03\x03\x00\x02\x00\x0a\x0a\x00\x00\x00\x03\x03\x02\x00\x02\x00\x0a\x00\x00\x00\x00\x0a\x00", 36)};
  for (const std::string& packed : damaged) {
    LineReader lines{std::string_view(packed)};
    std::string_view line;
    const auto read_on = [&] {
      while (lines.next(line)) {
      }
    };
    EXPECT_THROW(read_on(), Error);
    EXPECT_THROW(read_on(), Error);
    lines.seek(0, 0);
    EXPECT_THROW(read_on(), Error);
  }
}

// All before a fault can be read, in whatever pieces: the zstd decoder drops what a call has made before it meets one.
TEST(Compressed, AllBeforeAFaultIsRead) {
  const std::string text = long_text(600);
  std::string packed = zstd_of(text) + zstd_of(text);
  packed[packed.size() - 3] ^= 0x55;
  const auto bytes_read = [&](std::size_t piece) {
    Decompressor decompressor(Compression::zstd, [&](char* out, std::size_t count, std::uint64_t offset) {
      const std::size_t got = offset < packed.size() ? std::min(count, packed.size() - static_cast<std::size_t>(offset)) : 0;
      std::copy_n(packed.data() + offset, got, out);
      return got;
    });
    std::vector<char> room(piece);
    std::size_t done = 0;
    try {
      while (const std::size_t got = decompressor.read_at(room.data(), piece, done)) done += got;
      ADD_FAILURE() << "the damage was not seen";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
    }
    return done;
  };
  const std::size_t in_small_pieces = bytes_read(100);
  EXPECT_GE(in_small_pieces, text.size());
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{1} << 16, 2 * text.size(), 4 * text.size()}) EXPECT_EQ(bytes_read(piece), in_small_pieces) << piece;
}

// A bomb: little data that unpacks to a line without end is refused at the limit of a line, and takes no more memory than that.
TEST(Compressed, ALineWithoutEndIsRefused) {
  for (const auto compression : kinds) {
    const std::string packed = packed_of(compression, std::string(std::size_t{100} << 20, 'x'));
    EXPECT_LT(packed.size(), 200'000u);
    LineReader lines{std::string_view(packed)};
    std::string_view line;
    try {
      lines.next(line);
      FAIL();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("longer than 16 MiB"), std::string::npos);
    }
  }
}

TEST(Compressed, FirstBytesLookThroughTheCompression) {
  TemporaryFolder folder;
  for (const auto compression : kinds) {
    const std::string packed = packed_of(compression, "hello, world\n");
    EXPECT_EQ(first_bytes(folder.write("a", packed), 5), "hello");
    EXPECT_EQ(first_bytes(folder.write("a", packed), 100), "hello, world\n");
    EXPECT_EQ(compression_of(packed), compression);
    EXPECT_THROW(first_bytes(folder.write("a", packed.substr(0, 4)), 5), Error);
  }
  EXPECT_EQ(compression_of("2\nLi"), Compression::none);
  EXPECT_EQ(compression_of(""), Compression::none);
  EXPECT_EQ(first_bytes(folder.write("empty", gzip_of("")), 5), "");
  EXPECT_THROW(open_trajectory(folder / "empty"), Error);
}

// The members of a CP2K set need not be compressed alike.
TEST(Compressed, Cp2kSet) {
  TemporaryFolder folder;
  const std::string positions = "1\n i = 0, time = 0.0, E = -1\nLi 1 0 0\n1\n i = 1, time = 0.5, E = -1\nLi 2 0 0\n";
  folder.write("a-pos-1.xyz.gz", gzip_of(positions));
  folder.write("a-frc-1.xyz.zst", zstd_of(positions));
  folder.write("a-1.cell", "0 0.0 5 0 0 0 5 0 0 0 5 125\n");
  const auto frames = read_frames(folder.path());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].position_ang[0].x, 2);
  EXPECT_EQ(frames[1].force_ev_ang.size(), 1u);
  EXPECT_EQ(read_frames(folder / "a-frc-1.xyz.zst").size(), 2u);
}

}  // namespace
}  // namespace saltus
