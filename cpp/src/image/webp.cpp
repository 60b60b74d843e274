#include <vector>

#include <webp/decode.h>
#include <webp/demux.h>

#include "base/c_handle.h"
#include "eventlens/error.h"
#include "image/codec.h"

namespace eventlens {

namespace {

using Demuxer = CHandle<WebPDemuxer, WebPDemuxDelete>;

struct Frame {
    Frame() = default;
    ~Frame() { WebPDemuxReleaseIterator(&iterator); }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    WebPIterator iterator{};
};

// The first chunk of a kind; empty when there is none.
class Chunk {
  public:
    Chunk(const WebPDemuxer* demuxer, const char* kind)
        : found_(WebPDemuxGetChunk(demuxer, kind, 1, &iterator_) != 0) {}
    ~Chunk() { WebPDemuxReleaseChunkIterator(&iterator_); }
    Chunk(const Chunk&) = delete;
    Chunk& operator=(const Chunk&) = delete;

    std::span<const std::byte> content() const {
        if (!found_) return {};
        return std::as_bytes(std::span(iterator_.chunk.bytes, iterator_.chunk.size));
    }

  private:
    WebPChunkIterator iterator_{};
    bool found_;
};

[[noreturn]] void broken() {
    throw Error(ErrorCode::bad_input, "WebP is broken or cut short");
}

}  // namespace

Decoded decode_webp(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    const WebPData data{reinterpret_cast<const std::uint8_t*>(encoded.data()), encoded.size()};
    const Demuxer demuxer(WebPDemux(&data));  // nothing when the file is not complete
    if (!demuxer) broken();

    Decoded decoded;
    decoded.full_size = checked_size(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                                     WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), limits);
    Frame first;
    if (WebPDemuxGetFrame(demuxer.get(), 1, &first.iterator) == 0 || first.iterator.complete == 0) broken();
    const WebPIterator& frame = first.iterator;
    const Size canvas = decoded.full_size;
    // The demuxer has checked that the frame lies inside the canvas, but not that its pixels are as many as
    // it says.
    int width = 0;
    int height = 0;
    if (WebPGetInfo(frame.fragment.bytes, frame.fragment.size, &width, &height) == 0 ||
        width != frame.width || height != frame.height) {
        broken();
    }

    // What an animation's first frame leaves uncovered is as white as what shows through alpha.
    decoded.image = Image(canvas, PixelFormat::rgb8);
    const bool covers = frame.width == canvas.width && frame.height == canvas.height;
    if (!covers) std::ranges::fill(decoded.image.pixels(), std::uint8_t{255});
    const std::size_t canvas_row = static_cast<std::size_t>(canvas.width) * 3;
    std::uint8_t* corner = decoded.image.pixels().data() +
                           static_cast<std::size_t>(frame.y_offset) * canvas_row +
                           static_cast<std::size_t>(frame.x_offset) * 3;
    if (frame.has_alpha == 0) {
        const std::size_t room =
            decoded.image.pixels().size() - static_cast<std::size_t>(corner - decoded.image.pixels().data());
        if (!WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, corner, room,
                               static_cast<int>(canvas_row))) {
            broken();
        }
    } else {
        const std::size_t rgba_row = static_cast<std::size_t>(frame.width) * 4;
        std::vector<std::uint8_t> rgba(rgba_row * static_cast<std::size_t>(frame.height));
        if (!WebPDecodeRGBAInto(frame.fragment.bytes, frame.fragment.size, rgba.data(), rgba.size(),
                                static_cast<int>(rgba_row))) {
            broken();
        }
        for (int y = 0; y < frame.height; ++y) {
            const auto row = static_cast<std::size_t>(y);
            blend_over_white(rgba.data() + row * rgba_row, static_cast<std::size_t>(frame.width),
                             corner + row * canvas_row);
        }
    }
    const Chunk exif(demuxer.get(), "EXIF");
    if (!exif.content().empty()) decoded.exif = read_exif(exif.content());
    const Chunk profile(demuxer.get(), "ICCP");
    decoded.colour_profile.assign(profile.content().begin(), profile.content().end());
    return decoded;
}

}  // namespace eventlens
