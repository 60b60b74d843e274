#include "video/encode_picture.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <cmath>
#include <new>
#include <string>

#include "eventlens/error.h"

namespace eventlens::av {

namespace {

constexpr double keyframe_distance = 2;  // seconds; so that players seek swiftly

bool is_plain(int format) {
    return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P;
}

bool is_full_range(const AVFrame& frame) {
    return frame.color_range == AVCOL_RANGE_JPEG || frame.format == AV_PIX_FMT_YUVJ420P ||
           frame.format == AV_PIX_FMT_YUVJ422P || frame.format == AV_PIX_FMT_YUVJ444P;
}

AVFilterContext* add_filter(AVFilterGraph& graph, const char* name, const std::string& options) {
    const AVFilter* filter = avfilter_get_by_name(name);
    if (!filter) throw Error(ErrorCode::unsupported, std::string("libavfilter has no filter ") + name);
    AVFilterContext* made = nullptr;
    check(avfilter_graph_create_filter(&made, filter, name, options.c_str(), nullptr, &graph), "make filter");
    return made;
}

std::string ratio(AVRational value) {
    return std::to_string(value.num) + "/" + std::to_string(value.den);
}

void add_change(std::string& changes, const std::string& change) {
    if (changes.find(change) != std::string::npos) return;
    changes += (changes.empty() ? "" : ", ") + change;
}

}  // namespace

PlainPictures::PlainPictures(Size size, AVRational time_base)
    : size_(size), time_base_(time_base), like_(new_frame()) {}

bool PlainPictures::fits(const AVFrame& frame) const {
    return is_plain(frame.format) && !frame.interlaced_frame && frame.width == size_.width &&
           frame.height == size_.height;
}

void PlainPictures::put(const AVFrame* frame, const std::function<void(const AVFrame&)>& give) {
    const bool another = !frame || frame->width != like_->width || frame->height != like_->height ||
                         frame->format != like_->format;
    if (graph_ && another) {
        check(av_buffersrc_write_frame(entrance_, nullptr), "filter picture");
        drain(give);
        graph_.reset();
    }
    if (!frame) return;
    if (!graph_) {
        if (fits(*frame)) return give(*frame);
        build(*frame);
    }
    check(av_buffersrc_write_frame(entrance_, frame), "filter picture");
    drain(give);
}

void PlainPictures::build(const AVFrame& frame) {
    av_frame_unref(like_.get());
    like_->width = frame.width;
    like_->height = frame.height;
    like_->format = frame.format;

    graph_.reset(avfilter_graph_alloc());
    if (!graph_) throw std::bad_alloc();
    graph_->nb_threads = 1;
    entrance_ =
        add_filter(*graph_, "buffer",
                   "width=" + std::to_string(frame.width) + ":height=" + std::to_string(frame.height) +
                       ":pix_fmt=" + std::to_string(frame.format) + ":time_base=" + ratio(time_base_));
    AVFilterContext* last = entrance_;
    const auto append = [&](const char* name, const std::string& options) {
        AVFilterContext* next = add_filter(*graph_, name, options);
        check(avfilter_link(last, 0, next, 0), "link filters");
        last = next;
    };
    if (frame.interlaced_frame) {
        append("bwdif", "mode=send_frame:deint=interlaced");
        add_change(changes_, "interlaced pictures were made progressive");
    }
    const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
    if (format && format->comp[0].depth > 8) {
        add_change(changes_, std::to_string(format->comp[0].depth) + " bits became 8");
    }
    const bool rgb = format && (format->flags & AV_PIX_FMT_FLAG_RGB) != 0;
    append("scale", "w=" + std::to_string(size_.width) + ":h=" + std::to_string(size_.height) +
                        ":flags=bicubic:out_range=" + (is_full_range(frame) && !rgb ? "pc" : "tv") +
                        (rgb ? ":out_color_matrix=bt709" : ""));
    append("format", "pix_fmts=yuv420p");
    exit_ = add_filter(*graph_, "buffersink", "");
    check(avfilter_link(last, 0, exit_, 0), "link filters");
    check(avfilter_graph_config(graph_.get(), nullptr), "configure filters");
}

void PlainPictures::drain(const std::function<void(const AVFrame&)>& give) {
    const Frame frame = new_frame();
    for (;;) {
        const int result = av_buffersink_get_frame(exit_, frame.get());
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
        check(result, "filter picture");
        frame->pts = av_rescale_q(frame->pts, av_buffersink_get_time_base(exit_), time_base_);
        give(*frame);
        av_frame_unref(frame.get());
    }
}

PictureFormat picture_format(const AVStream& source) {
    const AVCodecParameters& told = *source.codecpar;
    PictureFormat format;
    format.size = {std::max(told.width & ~1, 2), std::max(told.height & ~1, 2)};
    format.time_base = source.time_base;
    format.frame_rate = source.avg_frame_rate.num > 0 ? source.avg_frame_rate : source.r_frame_rate;
    format.pixel_shape =
        source.sample_aspect_ratio.num > 0 ? source.sample_aspect_ratio : told.sample_aspect_ratio;
    format.range = told.color_range;
    format.primaries = told.color_primaries;
    format.transfer = told.color_trc;
    format.matrix = told.color_space;
    format.chroma = told.chroma_location;
    if (told.format == AV_PIX_FMT_YUVJ420P || told.format == AV_PIX_FMT_YUVJ422P ||
        told.format == AV_PIX_FMT_YUVJ444P) {
        format.range = AVCOL_RANGE_JPEG;
    }
    if (format.matrix == AVCOL_SPC_RGB) {  // see PlainPictures
        format.matrix = AVCOL_SPC_BT709;
        format.range = AVCOL_RANGE_MPEG;
    }
    return format;
}

PictureEncoder::PictureEncoder(const PictureFormat& format, int quality, int set_id) : packet_(new_packet()) {
    const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
    if (!codec) throw Error(ErrorCode::unsupported, "this build of libav has no libx264");
    encoder_.reset(avcodec_alloc_context3(codec));
    if (!encoder_) throw std::bad_alloc();
    encoder_->width = format.size.width;
    encoder_->height = format.size.height;
    encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder_->time_base = format.time_base;
    encoder_->framerate = format.frame_rate;
    encoder_->sample_aspect_ratio = format.pixel_shape;
    encoder_->color_range = format.range;
    encoder_->color_primaries = format.primaries;
    encoder_->color_trc = format.transfer;
    encoder_->colorspace = format.matrix;
    encoder_->chroma_sample_location = format.chroma;
    encoder_->thread_count = 1;
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    const double rate = format.frame_rate.num > 0 ? av_q2d(format.frame_rate) : 25;
    encoder_->gop_size = std::clamp(static_cast<int>(std::lround(rate * keyframe_distance)), 1, 600);

    const auto set = [this](const char* name, const std::string& value) {
        check(av_opt_set(encoder_->priv_data, name, value.c_str(), 0), "set up H.264 encoder");
    };
    set("preset", "veryfast");
    set("crf", std::to_string(quality));
    if (quality > 0) set("profile", "high");  // which cannot do without loss
    set("x264-params", "sps-id=" + std::to_string(set_id));
    check(avcodec_open2(encoder_.get(), codec, nullptr), "open H.264 encoder");

    const auto sets =
        h264::read_parameter_sets({encoder_->extradata, static_cast<std::size_t>(encoder_->extradata_size)});
    if (!sets) throw Error(ErrorCode::internal, "libx264 gave no parameter sets");
    sets_ = *sets;
}

void PictureEncoder::put(const AVFrame* frame, const std::function<void(const AVPacket&)>& give) {
    if (frame) {
        const Frame copy(av_frame_clone(frame));
        if (!copy) throw std::bad_alloc();
        copy->pict_type = AV_PICTURE_TYPE_NONE;  // else libx264 encodes the type that the source had
        copy->format = AV_PIX_FMT_YUV420P;       // of full range it is told by color_range
        check(avcodec_send_frame(encoder_.get(), copy.get()), "encode picture");
    } else {
        check(avcodec_send_frame(encoder_.get(), nullptr), "encode picture");
    }
    for (;;) {
        const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
        check(result, "encode picture");
        give(*packet_);
        av_packet_unref(packet_.get());
    }
}

}  // namespace eventlens::av
