#include "clip_files.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "video_files.h"

namespace eventlens {

namespace fs = std::filesystem;

namespace {

std::string output_of(const std::string& command) {
    FILE* pipe = popen((command + " </dev/null").c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run " + command);
    std::string output;
    std::array<char, 65536> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
        output.append(buffer.data(), got);
    if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
    return output;
}

std::string quoted(const fs::path& file) {
    return "'" + file.string() + "'";
}

}  // namespace

std::string clicking_sound(double seconds) {
    return "-f lavfi -t " + std::to_string(seconds) +
           " -i \"aevalsrc=if(lt(mod(t\\,1)\\,0.002)\\,0.9\\,0):s=48000\" -map 0:v -map 1:a";
}

std::vector<int> numbers_in_file(const fs::path& file) {
    const std::string pixels = output_of(
        "ffmpeg -v error -ignore_editlist 1 -i " + quoted(file) + " -map 0:v:0 -vsync passthrough -s " +
        std::to_string(frame_width) + "x" + std::to_string(frame_height) + " -f rawvideo -pix_fmt rgb24 -");
    Image image({frame_width, frame_height}, PixelFormat::rgb8);
    std::vector<int> numbers;
    for (std::size_t at = 0; at + image.pixels().size() <= pixels.size(); at += image.pixels().size()) {
        std::memcpy(image.pixels().data(), pixels.data() + at, image.pixels().size());
        numbers.push_back(number_in(image));
    }
    return numbers;
}

std::vector<double> frame_times(const fs::path& file) {
    std::istringstream lines(
        output_of("ffprobe -v error -select_streams v:0 -show_entries frame=best_effort_timestamp_time "
                  "-of csv=p=0 " +
                  quoted(file)));
    std::vector<double> times;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) times.push_back(std::strtod(line.c_str(), nullptr));
    }
    return times;
}

std::vector<double> click_times(const fs::path& file) {
    constexpr double rate = 48'000;
    const std::string bytes =
        output_of("ffmpeg -v error -i " + quoted(file) +
                  " -map 0:a:0 -af aresample=48000:async=1:first_pts=0 -ac 1 -f s16le -");
    std::vector<std::int16_t> samples(bytes.size() / 2);
    std::memcpy(samples.data(), bytes.data(), samples.size() * 2);
    std::vector<double> clicks;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double time = static_cast<double>(i) / rate;
        const bool loud = std::abs(samples[i]) > 8000;
        if (loud && (clicks.empty() || time - clicks.back() > 0.5)) clicks.push_back(time);
    }
    return clicks;
}

bool index_is_first(const fs::path& mp4) {
    const std::vector<std::byte> bytes = bytes_of(mp4);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return text.find("moov") < text.find("mdat");
}

std::string video_property(const fs::path& file, const std::string& name) {
    std::string value = output_of("ffprobe -v error -select_streams v:0 -show_entries stream=" + name +
                                  " -of csv=p=0 " + quoted(file));
    while (!value.empty() && (value.back() == '\n' || value.back() == ',')) value.pop_back();
    return value;
}

}  // namespace eventlens
