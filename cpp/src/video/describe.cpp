#include "video/describe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/parseutils.h>
}

#include "image/upright.h"

namespace eventlens::av {

namespace {

struct Turn {
    std::array<int, 4> signs;  // of the matrix (a b; c d), where x' = ax + cy and y' = bx + dy
    int orientation;
};
constexpr std::array<Turn, 8> turns{{{{1, 0, 0, 1}, 1},
                                     {{-1, 0, 0, 1}, 2},
                                     {{-1, 0, 0, -1}, 3},
                                     {{1, 0, 0, -1}, 4},
                                     {{0, 1, 1, 0}, 5},
                                     {{0, 1, -1, 0}, 6},
                                     {{0, -1, -1, 0}, 7},
                                     {{0, -1, 1, 0}, 8}}};

// Turns by other than right angles, which players ignore as well, are none.
int orientation_of(const AVStream& stream) {
    std::size_t bytes = 0;
    const auto* matrix = reinterpret_cast<const std::int32_t*>(
        av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes));
    if (!matrix || bytes < 9 * sizeof(std::int32_t)) return 1;
    const auto sign = [](std::int32_t value) { return (value > 0) - (value < 0); };
    const std::array<int, 4> signs{sign(matrix[0]), sign(matrix[1]), sign(matrix[3]), sign(matrix[4])};
    const auto* turn = std::ranges::find(turns, signs, &Turn::signs);
    return turn == turns.end() ? 1 : turn->orientation;
}

// Degrees clockwise, mirroring left aside.
int rotation_of(int orientation) {
    constexpr std::array<int, 9> degrees{0, 0, 0, 180, 180, 90, 90, 270, 270};
    return degrees[static_cast<std::size_t>(orientation)];
}

// Grows the side whose pixels are too long, so that nothing is lost. Shapes beyond 1:10 are writers'
// mistakes.
Size square_pixels(Size stored, AVRational aspect) {
    const double ratio = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
    if (ratio < 0.1 || ratio > 10) return stored;
    const auto grown = [](int side, double by) { return static_cast<int>(std::lround(side * by)); };
    return ratio >= 1 ? Size{grown(stored.width, ratio), stored.height}
                      : Size{stored.width, grown(stored.height, 1 / ratio)};
}

double frame_rate_of(const AVStream& stream) {
    if (stream.avg_frame_rate.num > 0 && stream.avg_frame_rate.den > 0) return av_q2d(stream.avg_frame_rate);
    // What libav guesses from the clock alone may be the clock itself: 90,000.
    const double guess = stream.r_frame_rate.den > 0 ? av_q2d(stream.r_frame_rate) : 0;
    return guess > 0 && guess <= 1000 ? guess : 0;
}

// Matroska's tag of a track: "00:01:02.345000000", its end on the file's clock.
std::optional<double> tagged_end(const AVStream& stream) {
    const AVDictionaryEntry* tag = av_dict_get(stream.metadata, "DURATION", nullptr, 0);
    int hours = 0;
    int minutes = 0;
    double seconds = 0;
    if (!tag || std::sscanf(tag->value, "%d:%d:%lf", &hours, &minutes, &seconds) != 3) return std::nullopt;
    return hours * 3600.0 + minutes * 60.0 + seconds;
}

// What the file says of the length of its pictures, in seconds; 0: nothing.
double duration_of(const Input& input, std::int64_t zero) {
    const AVStream& stream = input.video();
    const double whole = input->duration != AV_NOPTS_VALUE ? double(input->duration) / AV_TIME_BASE : 0;
    switch (input->duration_estimation_method) {
        case AVFMT_DURATION_FROM_BITRATE: return 0;  // a guess
        case AVFMT_DURATION_FROM_PTS:
            // The first and the last time, whatever the clock did between. A transport stream's tables alone
            // are more than a kilobyte a second.
            if (static_cast<double>(avio_size(input->pb)) < 1000 * whole) return 0;
            break;
        default: break;
    }
    const double first = static_cast<double>(zero) * av_q2d(stream.time_base);
    const std::string_view container(input->iformat->name);
    if (container.starts_with("matroska") || container == "flv")  // say the end, not the length
        return std::max(0.0, tagged_end(stream).value_or(whole) - first);
    if (stream.duration != AV_NOPTS_VALUE && stream.duration > 0) {
        // Counted from the stream's start, which lies before the first frame when an edit list hides some.
        const std::int64_t start = stream.start_time != AV_NOPTS_VALUE ? stream.start_time : zero;
        return std::max(0.0, static_cast<double>(start + stream.duration - zero) * av_q2d(stream.time_base));
    }
    const double start =
        input->start_time != AV_NOPTS_VALUE ? double(input->start_time) / AV_TIME_BASE : first;
    return whole > 0 ? std::max(0.0, start + whole - first) : 0;
}

// Milliseconds of "2026-05-03T09:12:44.000000Z". A clock that was never set says 1904 or 1970; without a zone
// libav would ask this machine for its own.
std::optional<std::int64_t> recorded_utc_of(const AVDictionary* metadata) {
    const AVDictionaryEntry* entry = av_dict_get(metadata, "creation_time", nullptr, 0);
    constexpr std::int64_t year_1980 = 315'532'800'000;
    std::int64_t microseconds = 0;
    if (!entry || !std::string_view(entry->value).ends_with('Z')) return std::nullopt;
    if (av_parse_time(&microseconds, entry->value, 0) < 0) return std::nullopt;
    const std::int64_t milliseconds = microseconds / 1000;
    return milliseconds >= year_1980 ? std::optional(milliseconds) : std::nullopt;
}

}  // namespace

Geometry geometry_of(const Input& input, Size stored) {
    AVStream& stream = input.video();
    Geometry geometry;
    geometry.square = square_pixels(stored, av_guess_sample_aspect_ratio(input.get(), &stream, nullptr));
    geometry.orientation = orientation_of(stream);
    geometry.upright = upright_size(geometry.square, geometry.orientation);
    return geometry;
}

VideoInfo describe(const Input& input, const Geometry& geometry, std::int64_t zero) {
    const AVStream& stream = input.video();
    const std::string_view names(input->iformat->name);
    VideoInfo info;
    info.container = names.substr(0, names.find(','));
    info.codec = avcodec_get_name(stream.codecpar->codec_id);
    info.size = geometry.upright;
    info.rotation = rotation_of(geometry.orientation);
    info.frame_rate = frame_rate_of(stream);
    info.duration = duration_of(input, zero);
    for (unsigned i = 0; i < input->nb_streams; ++i)
        info.audio_tracks += input->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    info.recorded_utc = recorded_utc_of(input->metadata);
    if (!info.recorded_utc) info.recorded_utc = recorded_utc_of(stream.metadata);
    return info;
}

}  // namespace eventlens::av
