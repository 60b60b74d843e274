#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "video/av.h"

namespace eventlens::av {

// How a picture looks from afar: the mean brightness of its parts.
class Look {
  public:
    explicit Look(const AVFrame& frame);  // whose first plane holds 8 bits of brightness

    // Mean difference of the parts, in levels of 0..255.
    double distance(const Look& other) const;

  private:
    static constexpr int columns = 16;
    static constexpr int rows = 9;
    std::array<std::uint16_t, std::size_t{columns} * rows> brightness_;  // in 1/256 levels
};

// What a clip is to show.
struct ExpectedPicture {
    std::optional<Look> look;
    bool copied = false;  // then it must look exactly like that
};
struct ExpectedClip {
    AVRational time_base{};
    std::map<std::int64_t, ExpectedPicture>
        pictures;          // by time of presentation; the clip begins with the first
    std::int64_t end = 0;  // when the last one is replaced
    bool sound = false;
};

// Decodes the MP4 back, with nothing but the parameter sets of its sample description, and compares. Says
// what is wrong; empty when nothing is. `progress` is called with 0..1.
std::string what_is_wrong(const std::filesystem::path& clip, const ExpectedClip& expected,
                          const std::function<void(double)>& progress);

}  // namespace eventlens::av
