#include "video/av.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

// Demultiplexers, by libav's names. All others are refused: pictures, sound, raw streams without a clock, and
// playlists, which would have us read what they name.
constexpr std::array containers{"mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "mxf", "ogg"};

ErrorCode code_for(int result) {
    switch (result) {
        case AVERROR(ENOMEM): return ErrorCode::overloaded;
        case AVERROR_DECODER_NOT_FOUND:
        case AVERROR_PATCHWELCOME: return ErrorCode::unsupported;
        default: return ErrorCode::bad_input;
    }
}

// libav's log level belongs to the whole process, and its default writes to stderr. A program that has chosen
// a level of its own keeps it.
void keep_libav_quiet() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
    });
}

int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
    return AVERROR(EPERM);
}

// "mov,mp4,m4a": libav names a demultiplexer that knows several formats by all of them.
bool is_container(const AVInputFormat& format) {
    const std::string_view names(format.name);
    const std::string_view first = names.substr(0, names.find(','));
    return std::ranges::find(containers, first) != containers.end();
}

const AVInputFormat* probe(ByteIo& io) {
    const AVInputFormat* format = nullptr;
    const int result = av_probe_input_buffer2(io.context(), &format, "", nullptr, 0, 0);
    io.rethrow();
    if (result < 0 || !format) throw Error(ErrorCode::bad_input, "not a video: no known container format");
    if (!is_container(*format)) {
        throw Error(ErrorCode::bad_input, std::string("not a video: it looks like ") +
                                              (format->long_name ? format->long_name : format->name));
    }
    return format;
}

// A picture in the container that MP4 uses too. libav reads some of these as videos of one frame.
bool is_picture(const AVFormatContext& context) {
    const AVDictionaryEntry* brand = av_dict_get(context.metadata, "major_brand", nullptr, 0);
    if (!brand) return false;
    constexpr std::array<std::string_view, 6> pictures{"avif", "avis", "heic", "heix", "mif1", "msf1"};
    return std::ranges::find(pictures, brand->value) != pictures.end();
}

bool is_encrypted(const AVStream& stream) {
    constexpr std::uint32_t encv = MKTAG('e', 'n', 'c', 'v');
    return stream.codecpar->codec_tag == encv ||
           av_stream_get_side_data(&stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr);
}

int find_video(const AVFormatContext& context) {
    constexpr int no_film =
        AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS | AV_DISPOSITION_STILL_IMAGE;
    int found = -1;
    for (unsigned i = 0; i < context.nb_streams; ++i) {
        const AVStream& stream = *context.streams[i];
        if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || (stream.disposition & no_film)) continue;
        if (found < 0 || (stream.disposition & ~context.streams[found]->disposition & AV_DISPOSITION_DEFAULT))
            found = static_cast<int>(i);
    }
    return found;
}

void check_size(const AVCodecParameters& video, std::int64_t max_pixels) {
    if (std::int64_t{video.width} * video.height <= max_pixels) return;
    throw Error(ErrorCode::bad_input,
                "the video is " + std::to_string(video.width) + " x " + std::to_string(video.height) +
                    " pixels large, more than the allowed " + std::to_string(max_pixels));
}

// libav's own limit counts rows padded to whole blocks and vectors: what check_size() allowed must pass it.
// It bounds what a frame may allocate that is larger than the header says.
std::int64_t padded(std::int64_t max_pixels) {
    return std::min<std::int64_t>(max_pixels, std::numeric_limits<std::int32_t>::max()) * 2 +
           std::int64_t{512} * 512;
}

// libav decodes the first frames of each stream to describe it; the limit holds there too.
class DecoderOptions {
  public:
    DecoderOptions(unsigned streams, std::int64_t max_pixels) : options_(streams) {
        for (AVDictionary*& options : options_)
            av_dict_set_int(&options, "max_pixels", padded(max_pixels), 0);
    }
    ~DecoderOptions() {
        for (AVDictionary*& options : options_) av_dict_free(&options);
    }
    DecoderOptions(const DecoderOptions&) = delete;
    DecoderOptions& operator=(const DecoderOptions&) = delete;

    AVDictionary** data() noexcept { return options_.data(); }

  private:
    std::vector<AVDictionary*> options_;
};

}  // namespace

int check(int result, const char* doing) {
    if (result >= 0) return result;
    std::array<char, AV_ERROR_MAX_STRING_SIZE> reason{};
    av_strerror(result, reason.data(), reason.size());
    throw Error(code_for(result), std::string("cannot ") + doing + ": " + reason.data());
}

Frame new_frame() {
    Frame frame(av_frame_alloc());
    if (!frame) check(AVERROR(ENOMEM), "hold a frame");
    return frame;
}

Packet new_packet() {
    Packet packet(av_packet_alloc());
    if (!packet) check(AVERROR(ENOMEM), "hold a packet");
    return packet;
}

Input Input::open(std::shared_ptr<const ByteSource> bytes, std::int64_t max_pixels) {
    keep_libav_quiet();
    if (bytes->size() == 0) throw Error(ErrorCode::bad_input, "not a video: the file is empty");
    Input input;
    input.io_ = std::make_unique<ByteIo>(std::move(bytes));
    const AVInputFormat* format = probe(*input.io_);

    AVFormatContext* raw = avformat_alloc_context();
    if (!raw) av::check(AVERROR(ENOMEM), "open the video");
    raw->pb = input.io_->context();
    raw->io_open = refuse_to_open;
    // libav takes every step back of a transport stream's clock for its 26-hour wrap and goes 26 hours ahead;
    // PacketFeed tells a wrap from a camera that began anew.
    raw->correct_ts_overflow = 0;
    const int opened = avformat_open_input(&raw, "", format, nullptr);  // frees `raw` when it fails
    input.context_.reset(raw);
    input.io_->rethrow();
    if (opened == AVERROR_INVALIDDATA && std::string_view(format->name).starts_with("mov")) {
        throw Error(
            ErrorCode::bad_input,
            "the file has no index of its frames (moov): it was not written to the end, or is a picture");
    }
    av::check(opened, "open the video");
    if (is_picture(*input.context_)) throw Error(ErrorCode::bad_input, "not a video: it is a picture");

    if (const int known = find_video(*input.context_); known >= 0)
        check_size(*input.context_->streams[known]->codecpar, max_pixels);
    DecoderOptions options(input->nb_streams, max_pixels);
    input.check(avformat_find_stream_info(input.get(), options.data()), "read what the video holds");

    input.video_ = find_video(*input.context_);
    if (input.video_ < 0) throw Error(ErrorCode::bad_input, "there is no video in the file");
    check_size(*input.video().codecpar, max_pixels);
    if (is_encrypted(input.video())) throw Error(ErrorCode::bad_input, "the video is encrypted");
    return input;
}

int Input::check(int result, const char* doing) const {
    io_->rethrow();
    return av::check(result, doing);
}

bool Input::read(AVPacket& packet) {
    const int result = av_read_frame(get(), &packet);
    io_->rethrow();
    if (result >= 0) return true;
    damaged_ = result != AVERROR_EOF;
    return false;
}

CodecContext open_decoder(const AVStream& stream, std::int64_t max_pixels) {
    const AVCodecParameters& parameters = *stream.codecpar;
    const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
    if (!codec) {
        const std::string name = parameters.codec_id == AV_CODEC_ID_NONE
                                     ? "an unknown codec"
                                     : avcodec_get_name(parameters.codec_id);
        throw Error(ErrorCode::unsupported, "no decoder for " + name);
    }
    CodecContext decoder(avcodec_alloc_context3(codec));
    if (!decoder) check(AVERROR(ENOMEM), "open the decoder");
    check(avcodec_parameters_to_context(decoder.get(), &parameters), "read the codec's parameters");
    decoder->pkt_timebase = stream.time_base;
    decoder->thread_count = 1;
    decoder->max_pixels = padded(max_pixels);
    check(avcodec_open2(decoder.get(), codec, nullptr), "open the decoder");
    return decoder;
}

}  // namespace eventlens::av
