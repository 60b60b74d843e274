#pragma once

#include "video/av.h"

namespace eventlens::av {

// What a packet is to the others, told from its first bytes without decoding.
enum class PictureKind {
    reference,   // others may need it
    disposable,  // no other needs it
    none,        // parameters alone: gives no frame of its own
};

// Known for H.264, HEVC, MPEG-4 and MPEG-2; pictures of other codecs count as references.
PictureKind picture_kind(const AVPacket& packet, const AVCodecParameters& parameters);

}  // namespace eventlens::av
