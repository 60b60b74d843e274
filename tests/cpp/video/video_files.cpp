#include "video_files.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace eventlens {

namespace fs = std::filesystem;

namespace {

constexpr int columns = 4;
constexpr int rows = 4;

// Twelve bits of number and four to check them by.
unsigned pattern_of(int number) {
    const auto n = static_cast<unsigned>(number);
    return (n & 0xfff) << 4 | (((n >> 8) ^ (n >> 4) ^ n ^ 0xa) & 0xf);
}

std::vector<std::uint8_t> picture_of(int number) {
    std::vector<std::uint8_t> pixels(std::size_t{frame_width} * frame_height);
    const unsigned pattern = pattern_of(number);
    for (int y = 0; y < frame_height; ++y) {
        for (int x = 0; x < frame_width; ++x) {
            const int field = y * rows / frame_height * columns + x * columns / frame_width;
            pixels[static_cast<std::size_t>(y * frame_width + x)] = pattern >> field & 1 ? 210 : 40;
        }
    }
    return pixels;
}

void close_or_throw(FILE* pipe, const fs::path& log, const std::string& command) {
    if (pclose(pipe) == 0) return;
    std::ifstream said(log);
    throw std::runtime_error(command + "\n" + std::string(std::istreambuf_iterator<char>(said), {}));
}

}  // namespace

VideoFolder::VideoFolder() {
    std::string name = (fs::temp_directory_path() / "eventlens-video-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder");
    path_ = name;
}

VideoFolder::~VideoFolder() {
    fs::remove_all(path_);
}

void make_video(const fs::path& out, const std::string& arguments, int frames, int first) {
    const fs::path log = out.string() + ".log";
    const std::string command = "ffmpeg -y -v error -f rawvideo -pix_fmt gray -s 160x120 -r 30 -i - " +
                                arguments + " '" + out.string() + "' 2>'" + log.string() + "'";
    FILE* pipe = popen(command.c_str(), "w");
    if (!pipe) throw std::runtime_error("cannot run ffmpeg");
    for (int i = 0; i < frames; ++i) {
        const std::vector<std::uint8_t> picture = picture_of(first + i);
        if (std::fwrite(picture.data(), 1, picture.size(), pipe) != picture.size()) break;  // it says why
    }
    close_or_throw(pipe, log, command);
}

void run_ffmpeg(const std::string& arguments) {
    const std::string command = "ffmpeg -y -v error " + arguments + " 2>&1 </dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run ffmpeg");
    std::string said;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), line.size(), pipe)) said += line.data();
    if (pclose(pipe) != 0) throw std::runtime_error(command + "\n" + said);
}

int number_in(const Image& image) {
    if (image.size().width < columns || image.format() != PixelFormat::rgb8) return -1;
    unsigned pattern = 0;
    for (int field = 0; field < columns * rows; ++field) {
        const int x = image.size().width * (2 * (field % columns) + 1) / (2 * columns);
        const int y = image.size().height * (2 * (field / columns) + 1) / (2 * rows);
        int sum = 0;  // of a few pixels: some videos are noisy
        for (int dy = -2; dy <= 2; ++dy) {
            for (int dx = -2; dx <= 2; ++dx) {
                sum +=
                    image
                        .pixels()[static_cast<std::size_t>(((y + dy) * image.size().width + x + dx) * 3 + 1)];
            }
        }
        const int grey = sum / 25;
        if (grey > 90 && grey < 160) return -1;  // between black and white: another frame shines through
        if (grey >= 160) pattern |= 1u << field;
    }
    const int number = static_cast<int>(pattern >> 4);
    return pattern_of(number) == pattern ? number : -1;
}

std::vector<std::byte> bytes_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

std::size_t MemorySource::read(std::int64_t offset, std::span<std::byte> into) const {
    if (fails_from >= 0 && offset + static_cast<std::int64_t>(into.size()) > fails_from)
        throw Error(ErrorCode::overloaded, "the store fails");
    if (offset >= size()) return 0;
    const std::size_t count = std::min(into.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::memcpy(into.data(), bytes_.data() + offset, count);
    bytes_read += static_cast<std::int64_t>(count);
    return count;
}

std::shared_ptr<MemorySource> source_of(const fs::path& file) {
    return std::make_shared<MemorySource>(bytes_of(file));
}

}  // namespace eventlens
