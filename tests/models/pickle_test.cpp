// The pickle machine: what it builds, that it calls nothing, and its bounds.
#include "saltus/models/pickle.hpp"

#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/models/archive_writer.hpp"

using namespace saltus;
using namespace saltus::test;
using namespace std::string_literals;

namespace {

/// A pickle with the bytes that it views.
struct Read {
  std::string bytes;
  Pickle pickle;
  explicit Read(std::string opcodes) : bytes(std::move(opcodes)), pickle(bytes, "p.pkl") {}
};

void expect_refused(const std::string& bytes, const std::string& message, ErrorKind kind = ErrorKind::format) {
  try {
    const Pickle pickle(bytes, "p.pkl");
    FAIL() << "was read, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("p.pkl: ", 0), 0u) << error.what();
  }
}

TEST(Pickle, ReadsPlainValues) {
  EXPECT_EQ(Read(pickled("K\x07")).pickle.integer(Read(pickled("K\x07")).pickle.root()), 7);
  const auto integer = [](const std::string& opcodes) {
    const Read read(pickled(opcodes));
    return read.pickle.integer(read.pickle.root());
  };
  EXPECT_EQ(integer("M\x01\x02"), 513);
  EXPECT_EQ(integer("J\xff\xff\xff\xff"), -1);
  EXPECT_EQ(integer("\x8a\x00"s), 0);
  EXPECT_EQ(integer("\x8a\x01\xff"), -1);
  EXPECT_EQ(integer("\x8a\x02\xff\x00"s), 255);
  EXPECT_EQ(integer("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), INT64_MAX);
  EXPECT_EQ(integer("I42\n"), 42);
  EXPECT_EQ(integer("L-5L\n"), -5);
  EXPECT_EQ(integer("\x88"), 1);
  EXPECT_EQ(integer("N"), std::nullopt);
  const Read real(pickled("G\x3f\xf8\x00\x00\x00\x00\x00\x00"s));
  EXPECT_EQ(real.pickle.number(real.pickle.root()), 1.5);
  const Read text(pickled(text_op("wörd")));
  EXPECT_EQ(text.pickle.text(text.pickle.root()), "wörd");
}

TEST(Pickle, ReadsContainersAndTheMemo) {
  const Read read(pickled("](" + text_op("a") + "q\x00"s + "h\x00"s + "K\x01K\x02\x86" + dict_op({{"k", "N"}, {"k", "K\x03"}}) + "e"));
  const auto* const items = read.pickle.items(read.pickle.root());
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 4u);
  EXPECT_EQ((*items)[0], (*items)[1]);
  EXPECT_EQ(read.pickle.items((*items)[2])->size(), 2u);
  EXPECT_EQ(read.pickle.integer(*read.pickle.find((*items)[3], "k")), 3);  // the last one counts
}

TEST(Pickle, CallsAreRecordsAndNothingIsCalled) {
  // What Python would run as os.system("touch pwned").
  const Read read(pickled(global_op("os", "system") + tuple_op({text_op("touch pwned")}) + "R}(" + text_op("x") + "K\x01ub"));
  EXPECT_EQ(read.pickle.class_name(read.pickle.root()), "os.system");
  const auto* const object = read.pickle.get<PickleObject>(read.pickle.root());
  ASSERT_TRUE(object);
  EXPECT_EQ(read.pickle.text(read.pickle.items(object->arguments)->front()), "touch pwned");
  ASSERT_TRUE(object->state);
  EXPECT_EQ(read.pickle.integer(*read.pickle.find(*object->state, "x")), 1);
}

TEST(Pickle, ReadsNewerProtocols) {
  const Read read("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x01m\x94\x8c\x01n\x94\x93\x94)\x81\x94\x8f(K\x01\x90\x86."s);
  const auto* const pair = read.pickle.items(read.pickle.root());
  ASSERT_TRUE(pair);
  EXPECT_EQ(read.pickle.class_name((*pair)[0]), "m.n");
  EXPECT_EQ(read.pickle.items((*pair)[1])->size(), 1u);
}

TEST(Pickle, CyclesAreRecords) {
  const Read read(pickled("]q\x00h\x00"s + "a"));
  EXPECT_EQ(read.pickle.items(read.pickle.root())->front(), read.pickle.root());
}

TEST(Pickle, RefusesWhatIsWrong) {
  expect_refused("", "cut off");
  expect_refused("\x80\x02", "cut off");
  expect_refused(pickled(""), "STOP with 0 values");
  expect_refused(pickled("NN"), "STOP with 2 values");
  expect_refused(pickled("(N"), "1 marks");
  expect_refused(pickled("t"), "no mark");
  expect_refused(pickled("\x86"), "empty stack");
  expect_refused(pickled("(\x85"), "empty stack");
  expect_refused(pickled("h\x05"), "nothing was stored as number 5");
  expect_refused(pickled("Na"), "empty");
  expect_refused(pickled("NNa"), "no list");
  expect_refused(pickled("}(" + text_op("a") + "u"), "without a value");
  expect_refused(pickled("](NNu"), "no dictionary");
  expect_refused(pickled("NNR"), "no tuple");
  expect_refused(pickled("N}b"), "no object");
  expect_refused(pickled("NN\x93"), "no text");
  expect_refused(pickled("cos"), "cut off");
  expect_refused(pickled("X\xff\xff\xff\xff"), "cut off");
  expect_refused("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "cut off");
  expect_refused("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.", "cut off");
  expect_refused(pickled("Ixyz\n"), "an integer that is not one");
  expect_refused(pickled("\xfe"), "is no opcode");
}

TEST(Pickle, RefusesWhatIsNoData) {
  expect_refused("\x80\x07N.", "protocol 7", ErrorKind::unsupported);
  expect_refused(pickled("\x82\x01"), "opcode 0x82", ErrorKind::unsupported);  // EXT1: a registry of code
  expect_refused(pickled("P1\n"), "opcode 0x50", ErrorKind::unsupported);
  expect_refused(pickled("\x8a\x09" + std::string(9, '\x01')), "an integer of 9 bytes", ErrorKind::unsupported);
}

double seconds_of(const std::string& bytes, std::size_t& records) {
  const auto begin = std::chrono::steady_clock::now();
  const Pickle pickle(bytes, "p.pkl");
  records = pickle.size();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(Pickle, LaughsOnce) {
  // A list of ten references to a list of ten references …, forty deep: 10^40 items to whoever walks it, few records here.
  std::string opcodes = "]q\x00"s;
  for (int level = 1; level <= 40; ++level) {
    opcodes += "](";
    for (int k = 0; k < 10; ++k) opcodes += "h" + std::string(1, static_cast<char>(level - 1));
    opcodes += "e";
    opcodes += "q" + std::string(1, static_cast<char>(level));
    if (level < 40) opcodes += "0";
  }
  // The first list stays below.
  std::size_t records = 0;
  const double seconds = seconds_of(pickled("](" + opcodes + "e"), records);
  EXPECT_LT(records, 100u);
  EXPECT_LT(seconds, 5);
}

TEST(Pickle, NestsDeeplyWithoutRecursion) {
  std::size_t records = 0;
  EXPECT_LT(seconds_of(pickled("N" + std::string(1'000'000, '\x85')), records), 20);
  EXPECT_GT(records, 1'000'000u);
}

TEST(Pickle, ItsRecordsAreBounded) {
  expect_refused(pickled("(" + std::string(most_pickle_records, ']')), "records", ErrorKind::unsupported);
  // None and the booleans cost nothing.
  std::size_t records = 0;
  seconds_of(pickled("(" + std::string(2'000'000, 'N') + "t"), records);
  EXPECT_LT(records, 10u);
}

TEST(Pickle, EveryTruncationIsRefused) {
  const std::string bytes = pickled(tensor_op("0", "FloatStorage", 4, 0, {2, 2}, {2, 1}));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_THROW(Pickle(bytes.substr(0, size), "p.pkl"), Error) << size;
}

}  // namespace
