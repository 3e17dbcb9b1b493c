#include "saltus/io/text_writer.hpp"

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/output_file.hpp"

namespace saltus {

namespace {

class TextWriter final : public TrajectoryWriter {
 public:
  TextWriter(const std::filesystem::path& path, const WriteOptions& write_options, AppendFrame append)
      : TrajectoryWriter(write_options), name_(path.string()), file_(path), append_(append) {}
  void write(const Frame& frame) override {
    ++frames_;
    try {
      append_(file_.text(), frame, options, frames_);
    } catch (const Error& error) {
      throw with_place(error, fmt::format("{}, frame {}", name_, frames_));
    }
    file_.flush_if_large();
  }
  void commit() override {
    if (frames_ == 0) throw Error(ErrorKind::usage, name_ + ": no frames to write");
    file_.commit();
  }

 private:
  std::string name_;
  OutputFile file_;
  AppendFrame append_;
  std::size_t frames_ = 0;
};

}  // namespace

std::unique_ptr<TrajectoryWriter> create_text_writer(const std::filesystem::path& path, const WriteOptions& options,
                                                     AppendFrame append) {
  return std::make_unique<TextWriter>(path, options, append);
}

}  // namespace saltus
