#pragma once

#include <functional>
#include <string>

extern "C" {
#include <libavfilter/avfilter.h>
}

#include "eventlens/image.h"
#include "video/av.h"
#include "video/cut_h264.h"

namespace eventlens::av {

using FilterGraph = CHandleIndirect<AVFilterGraph, avfilter_graph_free>;

// Makes of decoded frames what every browser plays: progressive, 8 bits, 4:2:0, of one even size. Frames that
// are that already pass untouched; times stay.
class PlainPictures {
  public:
    // `size` is what the frames are brought to, should they have another one.
    PlainPictures(Size size, AVRational time_base);

    // Gives at most one frame for each that is put in. Null at the end: gives what is held back.
    void put(const AVFrame* frame, const std::function<void(const AVFrame&)>& give);

    // Words for what was changed, for people: "10 bits became 8". Empty: nothing.
    const std::string& changes() const { return changes_; }

  private:
    bool fits(const AVFrame& frame) const;
    void build(const AVFrame& frame);
    void drain(const std::function<void(const AVFrame&)>& give);

    Size size_;
    AVRational time_base_;
    std::string changes_;
    FilterGraph graph_;  // none: the last frame passed untouched
    AVFilterContext* entrance_ = nullptr;
    AVFilterContext* exit_ = nullptr;
    Frame like_;  // a frame like those the graph was built for
};

// What the encoder is told besides the pixels.
struct PictureFormat {
    Size size;  // both sides even
    AVRational time_base{};
    AVRational frame_rate{};
    AVRational pixel_shape{};  // sample aspect ratio
    AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
    AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
    AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
    AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
    AVChromaLocation chroma = AVCHROMA_LOC_UNSPECIFIED;
};
PictureFormat picture_format(const AVStream& source);

// Encodes H.264, High profile, on the calling thread.
class PictureEncoder {
  public:
    // `quality` is x264's constant rate factor, `set_id` the id of its parameter sets.
    PictureEncoder(const PictureFormat& format, int quality, int set_id);

    // Null at the end. Packets are as x264 makes them: with start codes, without parameter sets.
    void put(const AVFrame* frame, const std::function<void(const AVPacket&)>& give);

    const h264::ParameterSets& parameter_sets() const { return sets_; }
    const AVCodecContext& context() const { return *encoder_; }

  private:
    CodecContext encoder_;
    h264::ParameterSets sets_;
    Packet packet_;
};

}  // namespace eventlens::av
