#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// What cutting needs to know of H.264's byte stream (ITU-T H.264, annex B, and ISO/IEC 14496-15).
namespace eventlens::h264 {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

enum UnitType : std::uint8_t {
    instant_refresh = 5,  // a picture that empties the decoder's memory (IDR): nothing behind looks before it
    sequence_set = 7,
    picture_set = 8,
    delimiter = 9,
    filler = 12,
};

inline int type_of(View unit) {
    return unit[0] & 0x1F;
}

// The parameter sets of a stream, and how its packets part their units: with a length in front of so many
// bytes, or with start codes (0).
struct ParameterSets {
    int length_bytes = 0;
    std::vector<Bytes> sequence;
    std::vector<Bytes> picture;

    bool contains(View unit) const;
    // An id that no set uses, of either kind. Nothing when all 32 are taken.
    std::optional<int> free_id() const;
};

// The units of a packet, without lengths and start codes. Nothing when the bytes are not such a packet.
std::optional<std::vector<View>> units_of(View packet, int length_bytes);

// From a codec's extradata, in either form (avcC or start codes). Nothing when there are none.
std::optional<ParameterSets> read_parameter_sets(View extradata);

// Everything that a decoder is told before the first packet of an MP4 (avcC), with lengths of four bytes. For
// 8-bit 4:2:0 video.
Bytes sample_description(const ParameterSets& sets);

// A packet as an MP4 holds it.
struct Sample {
    Bytes bytes;                   // without parameter sets, delimiters and filling
    bool instant_refresh = false;  // decoding can start here
    bool foreign_sets = false;     // it brought parameter sets along that are not among the known ones
};
std::optional<Sample> make_sample(View packet, const ParameterSets& known);

}  // namespace eventlens::h264
