#include "video/check_clip.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "eventlens/error.h"
#include "video/cut_h264.h"

namespace eventlens::av {

namespace {

constexpr double time_tolerance = 0.001;   // seconds; less than any frame is shown
constexpr double sound_tolerance = 0.040;  // seconds; nobody sees lips out of step by that
// Levels of brightness that encoding at the worst quality may change parts of a picture by, on average.
constexpr double look_tolerance = 6;

FormatContext open_file(const std::filesystem::path& path) {
    AVFormatContext* raw = nullptr;
    check(avformat_open_input(&raw, ("file:" + path.string()).c_str(), av_find_input_format("mp4"), nullptr),
          "open the clip");
    return FormatContext(raw);
}

// Whether the index (moov) stands before the data (mdat).
bool plays_while_downloading(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 8> head{};
    while (file.read(head.data(), head.size())) {
        const std::string_view type(head.data() + 4, 4);
        if (type == "moov") return true;
        if (type == "mdat") return false;
        std::uint32_t size = 0;
        for (int i = 0; i < 4; ++i)
            size = size << 8 | static_cast<std::uint8_t>(head[static_cast<std::size_t>(i)]);
        if (size < head.size()) return false;
        file.seekg(size - head.size(), std::ios::cur);
    }
    return false;
}

CodecContext open_strict_decoder(const AVStream& stream) {
    const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    CodecContext decoder(avcodec_alloc_context3(codec));
    if (!codec || !decoder) throw Error(ErrorCode::internal, "cannot decode the clip");
    check(avcodec_parameters_to_context(decoder.get(), stream.codecpar), "decode the clip");
    decoder->pkt_timebase = stream.time_base;
    decoder->thread_count = 1;
    decoder->err_recognition = AV_EF_EXPLODE;
    check(avcodec_open2(decoder.get(), codec, nullptr), "decode the clip");
    return decoder;
}

class Checker {
  public:
    Checker(const std::filesystem::path& path, const ExpectedClip& expected,
            const std::function<void(double)>& progress)
        : expected_(expected), progress_(progress), next_(expected.pictures.begin()) {
        try {
            file_ = open_file(path);
            find_streams();
        } catch (const Error& error) {
            complain(error.what());
        }
    }

    std::string run() {
        if (!wrong_.empty()) return wrong_;
        const Packet packet = new_packet();
        int result = 0;
        while (wrong_.empty() && (result = av_read_frame(file_.get(), packet.get())) >= 0) {
            if (packet->stream_index == video_->index) {
                check_packet(*packet);
                decode(*video_decoder_, packet.get(), [this](const AVFrame& frame) { see(frame); });
            } else {
                decode(*sound_decoder_, packet.get(), [this](const AVFrame& frame) { hear(frame); });
            }
            av_packet_unref(packet.get());
        }
        if (!wrong_.empty()) return wrong_;
        if (result != AVERROR_EOF) return "it cannot be read to its end";
        decode(*video_decoder_, nullptr, [this](const AVFrame& frame) { see(frame); });
        if (sound_decoder_) {
            decode(*sound_decoder_, nullptr, [this](const AVFrame& frame) { hear(frame); });
        }
        if (wrong_.empty() && next_ != expected_.pictures.end()) complain("pictures are missing at the end");
        if (wrong_.empty() && expected_.sound) compare_lengths();
        return wrong_;
    }

  private:
    void complain(const std::string& what) {
        if (wrong_.empty()) wrong_ = what;
    }

    double expected_time(std::int64_t pts) const {
        return static_cast<double>(pts - expected_.pictures.begin()->first) * av_q2d(expected_.time_base);
    }

    void find_streams() {
        for (unsigned i = 0; i < file_->nb_streams; ++i) {
            const AVStream* stream = file_->streams[i];
            (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? video_ : sound_) = stream;
        }
        if (!video_) return complain("there are no pictures");
        if ((sound_ != nullptr) != expected_.sound) return complain("sound is missing, or too much");
        if (video_->nb_frames != std::ssize(expected_.pictures))
            return complain("other pictures are in the file");
        video_decoder_ = open_strict_decoder(*video_);
        if (sound_) sound_decoder_ = open_strict_decoder(*sound_);
    }

    void check_packet(const AVPacket& packet) {
        if (packet.flags & AV_PKT_FLAG_DISCARD) complain("pictures are hidden");
        if (!entered_ && !(packet.flags & AV_PKT_FLAG_KEY)) complain("it does not start at a keyframe");
        entered_ = true;
        if (video_->codecpar->codec_id != AV_CODEC_ID_H264) return;
        const auto units = h264::units_of({packet.data, static_cast<std::size_t>(packet.size)}, 4);
        if (!units) return complain("a packet is broken");
        for (const h264::View unit : *units) {
            const int type = h264::type_of(unit);
            // Readers that know these would pass over a mistake in the sample description.
            if (type == h264::sequence_set || type == h264::picture_set)
                complain("parameter sets are in-band");
        }
    }

    template <typename Take>
    void decode(AVCodecContext& decoder, const AVPacket* packet, const Take& take) {
        if (avcodec_send_packet(&decoder, packet) < 0) return complain("it cannot be decoded");
        const Frame frame = new_frame();
        int result = 0;
        while ((result = avcodec_receive_frame(&decoder, frame.get())) >= 0) {
            take(*frame);
            av_frame_unref(frame.get());
        }
        if (result != AVERROR(EAGAIN) && result != AVERROR_EOF) complain("it cannot be decoded");
    }

    void see(const AVFrame& frame) {
        if (next_ == expected_.pictures.end()) return complain("there are too many pictures");
        const auto& [pts, picture] = *next_++;
        const double time = static_cast<double>(frame.best_effort_timestamp) * av_q2d(video_->time_base);
        if (std::abs(time - expected_time(pts)) > time_tolerance) complain("a picture has a wrong time");
        if (frame.decode_error_flags || (frame.flags & AV_FRAME_FLAG_CORRUPT))
            complain("a picture is damaged");
        if (picture.look) {
            const double distance = picture.look->distance(Look(frame));
            if (distance > (picture.copied ? 0 : look_tolerance)) complain("a picture looks wrong");
        }
        const double length = std::max(expected_time(expected_.end), time_tolerance);
        progress_(std::clamp(time / length, 0.0, 1.0));
    }

    void hear(const AVFrame& frame) {
        const double time = static_cast<double>(frame.best_effort_timestamp) * av_q2d(sound_->time_base);
        if (samples_ == 0 && std::abs(time) > sound_tolerance) complain("the sound starts at a wrong time");
        samples_ += frame.nb_samples;
    }

    void compare_lengths() {
        const double heard = static_cast<double>(samples_) / sound_->codecpar->sample_rate;
        if (std::abs(heard - expected_time(expected_.end)) > sound_tolerance)
            complain("the sound's length is wrong");
    }

    FormatContext file_;
    const ExpectedClip& expected_;
    const std::function<void(double)>& progress_;
    std::map<std::int64_t, ExpectedPicture>::const_iterator next_;
    const AVStream* video_ = nullptr;
    const AVStream* sound_ = nullptr;
    CodecContext video_decoder_;
    CodecContext sound_decoder_;
    std::int64_t samples_ = 0;
    bool entered_ = false;
    std::string wrong_;
};

}  // namespace

Look::Look(const AVFrame& frame) {
    constexpr int enough_rows = 270;  // more of them tell nothing new
    const int step = std::max(1, frame.height / enough_rows);
    for (int row = 0; row < rows; ++row) {
        const int top = frame.height * row / rows;
        const int bottom = std::max(frame.height * (row + 1) / rows, top + 1);
        for (int column = 0; column < columns; ++column) {
            const int left = frame.width * column / columns;
            const int right = std::max(frame.width * (column + 1) / columns, left + 1);
            std::int64_t sum = 0;
            std::int64_t pixels = 0;
            for (int y = top; y < bottom; y += step) {
                const std::uint8_t* line = frame.data[0] + std::ptrdiff_t{y} * frame.linesize[0];
                std::uint32_t line_sum = 0;
                for (int x = left; x < right; ++x) line_sum += line[x];
                sum += line_sum;
                pixels += right - left;
            }
            brightness_[static_cast<std::size_t>(row) * columns + static_cast<std::size_t>(column)] =
                static_cast<std::uint16_t>(sum * 256 / pixels);
        }
    }
}

double Look::distance(const Look& other) const {
    double sum = 0;
    for (std::size_t i = 0; i < brightness_.size(); ++i) {
        sum += std::abs(static_cast<double>(brightness_[i]) - other.brightness_[i]);
    }
    return sum / 256 / static_cast<double>(brightness_.size());
}

std::string what_is_wrong(const std::filesystem::path& clip, const ExpectedClip& expected,
                          const std::function<void(double)>& progress) {
    if (!plays_while_downloading(clip)) return "its index is not at the front";
    return Checker(clip, expected, progress).run();
}

}  // namespace eventlens::av
