#include "video/cut_writer.h"

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "base/uuid.h"
#include "eventlens/error.h"

namespace eventlens::av {

namespace {

int check_writing(int result) {
    if (result >= 0) return result;
    if (result == AVERROR(ENOSPC) || result == AVERROR(EDQUOT) || result == AVERROR(EFBIG)) {
        throw Error(ErrorCode::overloaded, "cannot write the clip: the disk is full");
    }
    return check(result, "write the clip");
}

// The decoder's picture of rotation and of colours that H.264 itself does not carry.
constexpr std::array side_data_to_keep{AV_PKT_DATA_DISPLAYMATRIX, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                                       AV_PKT_DATA_CONTENT_LIGHT_LEVEL};

void copy_side_data(const AVStream& from, AVStream& to) {
    for (const AVPacketSideDataType type : side_data_to_keep) {
        std::size_t size = 0;
        const std::uint8_t* data = av_stream_get_side_data(&from, type, &size);
        if (!data) continue;
        std::uint8_t* room = av_stream_new_side_data(&to, type, size);
        if (!room) throw std::bad_alloc();
        std::copy_n(data, size, room);
    }
}

}  // namespace

void close_output(AVFormatContext* context) {
    avio_closep(&context->pb);  // errors were told by ClipWriter::finish(), or there is a worse one in flight
    avformat_free_context(context);
}

UnfinishedFile::UnfinishedFile(std::filesystem::path final_path) : final_path_(std::move(final_path)) {
    std::error_code ignored;
    if (!final_path_.has_filename() || std::filesystem::is_directory(final_path_, ignored)) {
        throw Error(ErrorCode::bad_input, "cannot write " + final_path_.string() + ": it is a folder");
    }
    const std::string name = "." + final_path_.filename().string() + "." + uuid_text(make_uuid()) + ".part";
    path_ = final_path_.parent_path() / name;
}

UnfinishedFile::~UnfinishedFile() {
    std::error_code ignored;  // after complete() there is no such file any more
    std::filesystem::remove(path_, ignored);
}

void UnfinishedFile::complete() {
    std::error_code failure;
    std::filesystem::rename(path_, final_path_, failure);
    if (failure) {
        throw Error(ErrorCode::bad_input, "cannot write " + final_path_.string() + ": " + failure.message());
    }
}

DecodeTimes::DecodeTimes(int depth, std::int64_t first, std::int64_t step) {
    for (int i = 1; i <= depth; ++i) not_yet_shown_.insert(first - i * step);
}

std::int64_t DecodeTimes::next(std::int64_t shown) {
    not_yet_shown_.insert(shown);
    const auto earliest = not_yet_shown_.begin();
    const std::int64_t time = *earliest;
    not_yet_shown_.erase(earliest);
    return time;
}

ClipWriter::ClipWriter(const std::filesystem::path& path) {
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, nullptr, "mp4", path.c_str()), "write MP4");
    context_.reset(raw);
    // Named with its protocol: a file may be called "http:x".
    const std::string url = "file:" + path.string();
    av_freep(&context_->url);
    context_->url = av_strdup(url.c_str());  // read again when the index moves to the front
    if (!context_->url) throw std::bad_alloc();
    check_writing(avio_open(&context_->pb, url.c_str(), AVIO_FLAG_WRITE));
}

int ClipWriter::add_stream(const AVCodecParameters& parameters, AVRational time_base, const AVStream* like) {
    AVStream* stream = avformat_new_stream(context_.get(), nullptr);
    if (!stream) throw std::bad_alloc();
    check(avcodec_parameters_copy(stream->codecpar, &parameters), "write MP4");
    stream->codecpar->codec_tag = 0;  // the source's container may have had another word for it
    stream->time_base = time_base;
    stream->sample_aspect_ratio = parameters.sample_aspect_ratio;
    stream->disposition |= AV_DISPOSITION_DEFAULT;
    if (like) copy_side_data(*like, *stream);
    time_bases_.push_back(time_base);
    return stream->index;
}

void ClipWriter::begin() {
    AVDictionary* raw = nullptr;
    av_dict_set(&raw, "movflags", "+faststart", 0);
    const int result = avformat_write_header(context_.get(), &raw);
    av_dict_free(&raw);
    check_writing(result);
}

void ClipWriter::write(int stream, AVPacket& packet) {
    packet.stream_index = stream;
    packet.pos = -1;
    av_packet_rescale_ts(&packet, time_bases_[static_cast<std::size_t>(stream)],
                         context_->streams[stream]->time_base);
    check_writing(av_interleaved_write_frame(context_.get(), &packet));
}

void ClipWriter::finish() {
    check_writing(av_write_trailer(context_.get()));
    check_writing(context_->pb->error);
    check_writing(avio_closep(&context_->pb));
}

}  // namespace eventlens::av
