#pragma once

// All libav headers and ownership rules live here; nothing outside cpp/src/video includes libav.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/dict.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <memory>

#include "base/c_handle.h"
#include "eventlens/byte_source.h"
#include "video/byte_io.h"

namespace eventlens::av {

using FormatContext = CHandleIndirect<AVFormatContext, avformat_close_input>;
using CodecContext = CHandleIndirect<AVCodecContext, avcodec_free_context>;
using CodecParameters = CHandleIndirect<AVCodecParameters, avcodec_parameters_free>;
using Frame = CHandleIndirect<AVFrame, av_frame_free>;
using Packet = CHandleIndirect<AVPacket, av_packet_free>;
using Dictionary = CHandleIndirect<AVDictionary, av_dict_free>;
using Scaler = CHandle<SwsContext, sws_freeContext>;
using Resampler = CHandleIndirect<SwrContext, swr_free>;

// Returns `result` when it is a success code, else throws with libav's own words.
// check(avcodec_send_packet(...), "decode a packet")
int check(int result, const char* doing);

// Never null; throw Error(overloaded) when memory runs out.
Frame new_frame();
Packet new_packet();

// A video file being demultiplexed. Only containers that hold video are opened, and nothing but the given
// bytes is ever read, whatever the file refers to.
class Input {
  public:
    // Reads the header and describes the streams. Throws Error(bad_input) for what is no video container, has
    // no video in it, is encrypted or has more than `max_pixels` (width x height), and what `bytes` throws.
    static Input open(std::shared_ptr<const ByteSource> bytes, std::int64_t max_pixels);

    AVFormatContext* get() const noexcept { return context_.get(); }
    AVFormatContext* operator->() const noexcept { return context_.get(); }

    // The stream of pictures that plays; cover art is none.
    AVStream& video() const noexcept { return *context_->streams[video_]; }

    // As av::check(), but what the source threw comes first. For calls that may read.
    int check(int result, const char* doing) const;

    // The next packet of any stream that is not discarded; false at the end. Throws what the source throws;
    // damage that the demultiplexer cannot step over ends the file, and is told by `damaged`.
    bool read(AVPacket& packet);
    bool damaged() const noexcept { return damaged_; }

  private:
    Input() = default;

    std::unique_ptr<ByteIo> io_;  // outlives the context, which reads from it
    FormatContext context_;
    int video_ = -1;
    bool damaged_ = false;
};

// A decoder for the stream's packets: one thread, frames of more than `max_pixels` refused before they are
// allocated. Throws Error(unsupported) for a codec that this libav does not decode.
CodecContext open_decoder(const AVStream& stream, std::int64_t max_pixels);

}  // namespace eventlens::av
