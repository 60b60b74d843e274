#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eventlens/byte_source.h"
#include "eventlens/error.h"
#include "eventlens/video.h"

// Videos whose every frame says its number, made by the ffmpeg command line.
namespace eventlens {

// A folder that dies with the test.
class VideoFolder {
  public:
    VideoFolder();
    ~VideoFolder();
    VideoFolder(const VideoFolder&) = delete;
    VideoFolder& operator=(const VideoFolder&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

constexpr int frame_width = 160;
constexpr int frame_height = 120;
constexpr double frame_rate = 30;

// Frames `first`, `first` + 1, ... at 30 a second, each with its number as a pattern of black and white
// fields, go through `ffmpeg ARGUMENTS` into the file. The arguments are those between input and output.
void make_video(const std::filesystem::path& out, const std::string& arguments, int frames, int first = 0);

// Runs `ffmpeg ARGUMENTS`. Throws, with what it printed, when it fails.
void run_ffmpeg(const std::string& arguments);

// The number in the pattern; -1 when what is seen is no such pattern.
int number_in(const Image& image);

std::vector<std::byte> bytes_of(const std::filesystem::path& file);

// Bytes in memory that count how they are read, and fail when told to.
class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }
    std::size_t read(std::int64_t offset, std::span<std::byte> into) const override;

    mutable std::int64_t bytes_read = 0;
    std::int64_t fails_from =
        -1;  // reading at this offset or behind throws Error(overloaded, "the store fails")

  private:
    std::vector<std::byte> bytes_;
};

std::shared_ptr<MemorySource> source_of(const std::filesystem::path& file);

}  // namespace eventlens
