#include "video/picture_kind.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace eventlens::av {

namespace {

using Bytes = std::span<const std::uint8_t>;

// Where the start code 00 00 01 begins; the end if there is none.
std::size_t find_start_code(Bytes bytes, std::size_t from) {
    for (std::size_t at = from; at + 3 <= bytes.size(); ++at) {
        if (bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1) return at;
    }
    return bytes.size();
}

// Calls `visit` with the first bytes of each unit between start codes until it returns false.
template <typename Visit>
void visit_start_codes(Bytes bytes, Visit visit) {
    for (std::size_t at = find_start_code(bytes, 0); at + 3 < bytes.size();) {
        if (!visit(bytes.subspan(at + 3))) return;
        at = find_start_code(bytes, at + 3);
    }
}

// The same for units that begin with their length, as in MP4 and Matroska.
template <typename Visit>
void visit_lengths(Bytes bytes, std::size_t length_bytes, Visit visit) {
    while (bytes.size() > length_bytes) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | bytes[i];
        bytes = bytes.subspan(length_bytes);
        if (length == 0 || length > bytes.size()) return;
        if (!visit(bytes)) return;
        bytes = bytes.subspan(length);
    }
}

template <typename Visit>
void visit_units(Bytes packet, const AVCodecParameters& parameters, Visit visit) {
    // avcC and hvcC begin with version 1 and say how long the lengths are; a start code begins with 0.
    const Bytes header(parameters.extradata, static_cast<std::size_t>(parameters.extradata_size));
    const std::size_t at = parameters.codec_id == AV_CODEC_ID_H264 ? 4 : 21;
    if (header.size() > at && header[0] == 1) {
        visit_lengths(packet, std::size_t{header[at] & 3u} + 1, visit);
    } else {
        visit_start_codes(packet, visit);
    }
}

// One slice that others may need makes the picture a reference: of a frame's two fields it may be the second.
PictureKind kind_of_h264(Bytes packet, const AVCodecParameters& parameters) {
    PictureKind kind = PictureKind::none;
    visit_units(packet, parameters, [&](Bytes unit) {
        const int type = unit[0] & 31;
        if (type < 1 || type > 5) return true;
        kind = unit[0] & 0x60 ? PictureKind::reference : PictureKind::disposable;
        return kind == PictureKind::disposable;
    });
    return kind;
}

// Of the types below 16, the even ones are needed by no picture of their own temporal layer. A higher layer
// may need them, so that where hvcC tells how many there are, only those of the highest are disposable.
PictureKind kind_of_hevc(Bytes packet, const AVCodecParameters& parameters) {
    const bool told = parameters.extradata_size > 21 && parameters.extradata[0] == 1;
    const int layers = told ? parameters.extradata[21] >> 3 & 7 : 0;
    PictureKind kind = PictureKind::none;
    visit_units(packet, parameters, [&](Bytes unit) {
        const int type = unit[0] >> 1 & 63;
        if (type > 31 || unit.size() < 2) return true;
        const int layer = unit[1] & 7;  // counted from 1
        const bool needed = type >= 16 || type % 2 != 0 || layer < layers;
        kind = needed ? PictureKind::reference : PictureKind::disposable;
        return false;
    });
    return kind;
}

PictureKind kind_of_mpeg(Bytes packet, bool mpeg4) {
    PictureKind kind = PictureKind::none;
    int pictures = 0;
    visit_start_codes(packet, [&](Bytes unit) {
        if (unit[0] != (mpeg4 ? 0xB6 : 0x00) || unit.size() < 3) return true;
        const bool is_b = mpeg4 ? unit[1] >> 6 == 2 : (unit[2] >> 3 & 7) == 3;
        ++pictures;
        // "Packed" MPEG-4 puts a B-frame into the packet of the frame before it.
        kind = is_b && pictures == 1 ? PictureKind::disposable : PictureKind::reference;
        return mpeg4;
    });
    return kind;
}

}  // namespace

PictureKind picture_kind(const AVPacket& packet, const AVCodecParameters& parameters) {
    const Bytes bytes(packet.data, static_cast<std::size_t>(std::max(packet.size, 0)));
    switch (parameters.codec_id) {
        case AV_CODEC_ID_H264: return kind_of_h264(bytes, parameters);
        case AV_CODEC_ID_HEVC: return kind_of_hevc(bytes, parameters);
        case AV_CODEC_ID_MPEG4: return kind_of_mpeg(bytes, true);
        case AV_CODEC_ID_MPEG2VIDEO: return kind_of_mpeg(bytes, false);
        default: return PictureKind::reference;
    }
}

}  // namespace eventlens::av
