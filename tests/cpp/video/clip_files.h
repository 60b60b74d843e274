#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "eventlens/video.h"

// Clips as another reader sees them, the ffmpeg command line, and videos with clicks to hear where they are.
namespace eventlens {

// ffmpeg's options for a sound track of so many seconds, with a click at every full second.
std::string clicking_sound(double seconds);

// The numbers of all frames that can be decoded from the file, whatever edit lists say, in the order in which
// they are shown.
std::vector<int> numbers_in_file(const std::filesystem::path& file);

// When each frame is shown, in seconds of the file's clock.
std::vector<double> frame_times(const std::filesystem::path& file);

// When clicks are heard, in seconds of the file's clock.
std::vector<double> click_times(const std::filesystem::path& file);

// Whether the index stands before the data.
bool index_is_first(const std::filesystem::path& mp4);

// "width" or "color_space" of the file's first video stream, as ffprobe writes it.
std::string video_property(const std::filesystem::path& file, const std::string& name);

}  // namespace eventlens
