#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <vector>

#include "video/av.h"

namespace eventlens::av {

// Frees a context that writes, and closes its file.
void close_output(AVFormatContext* context);
using OutputContext = CHandle<AVFormatContext, close_output>;

// A file under a name of its own beside `final_path`, which becomes the file of that name when it is
// complete, and otherwise disappears.
class UnfinishedFile {
  public:
    // Throws Error(bad_input) when `final_path` is a folder or lies in none.
    explicit UnfinishedFile(std::filesystem::path final_path);
    ~UnfinishedFile();
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;

    const std::filesystem::path& path() const { return path_; }

    // Replaces what was at the final path. Throws Error(bad_input).
    void complete();

  private:
    std::filesystem::path final_path_;
    std::filesystem::path path_;
};

// Decoding times for pictures whose order of decoding and times of presentation are known. The i-th picture
// is decoded when the (i - depth)-th to be shown is shown: never late, always ascending, whatever the frame
// rate does, and across places where streams of two encoders meet.
class DecodeTimes {
  public:
    // `depth`: how many pictures at most are decoded before one that is shown earlier. `first` is when the
    // first picture is shown, `step` a usual distance of two.
    DecodeTimes(int depth, std::int64_t first, std::int64_t step);

    // Of the next picture in order of decoding.
    std::int64_t next(std::int64_t shown);

  private:
    std::multiset<std::int64_t> not_yet_shown_;
};

// Writes an MP4 with its index first.
class ClipWriter {
  public:
    // Creates or empties the file. Every method throws Error(overloaded) when the disk is full and
    // Error(bad_input) when the file cannot be written.
    explicit ClipWriter(const std::filesystem::path& path);

    // All streams before begin(). Returns the stream's number. Side data of `like` (rotation) is taken over.
    int add_stream(const AVCodecParameters& parameters, AVRational time_base, const AVStream* like);
    void begin();

    // Times of the packet in the time base that the stream was added with. Takes the packet's data along.
    void write(int stream, AVPacket& packet);
    void finish();

  private:
    OutputContext context_;
    std::vector<AVRational> time_bases_;  // of what is put in, by stream
};

}  // namespace eventlens::av
