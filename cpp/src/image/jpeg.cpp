#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

#include "base/c_handle.h"
#include "image/c_escape.h"
#include "image/codec.h"

// libjpeg directly rather than through OpenCV: OpenCV hides libjpeg's warnings, so that a file cut short
// becomes half a photo and half grey. It also gives reduced decoding at any of 1/2, 1/4, 1/8 from one reading
// of the header.
namespace eventlens {

namespace {

// Progressive files of honest encoders have about ten scans. Each costs a pass over the whole photo: a few
// kilobytes could otherwise keep a core busy for minutes.
constexpr int max_scans = 100;

// 255 pieces, each a marker that holds 64 kB less its head.
constexpr std::size_t largest_profile = std::size_t{255} * (65'533 - 14);

struct ErrorManager {
    jpeg_error_mgr base{};  // first: libjpeg knows the whole by this address
    CEscape escape;
};

ErrorCode code_for(int message) {
    switch (message) {
        case JERR_BAD_PRECISION:
        case JERR_SOF_UNSUPPORTED:
        case JERR_ARITH_NOTIMPL:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_NOTIMPL:
        case JERR_NOT_COMPILED: return ErrorCode::unsupported;
        case JERR_OUT_OF_MEMORY: return ErrorCode::overloaded;
        default: return ErrorCode::bad_input;
    }
}

// Warnings after which pixels are made up. Others (stray bytes between segments, odd version numbers) are
// common in photos from real cameras and harmless.
bool loses_pixels(int message) {
    switch (message) {
        case JWRN_JPEG_EOF:
        case JWRN_HIT_MARKER:
        case JWRN_HUFF_BAD_CODE:
        case JWRN_ARITH_BAD_CODE:
        case JWRN_BOGUS_PROGRESSION:
        case JWRN_MUST_RESYNC: return true;
        default: return false;
    }
}

[[noreturn]] void leave(j_common_ptr codec) {
    auto* manager = reinterpret_cast<ErrorManager*>(codec->err);
    char reason[JMSG_LENGTH_MAX] = {};
    manager->base.format_message(codec, reason);
    manager->escape.leave(code_for(manager->base.msg_code), reason);
}

void on_message(j_common_ptr codec, int level) {
    if (level < 0 && loses_pixels(codec->err->msg_code)) leave(codec);
}

void prepare(ErrorManager& manager) {
    jpeg_std_error(&manager.base);
    manager.base.error_exit = leave;
    manager.base.emit_message = on_message;
    manager.base.output_message = [](j_common_ptr) {};
}

void on_progress(j_common_ptr codec) {
    const auto* decoder = reinterpret_cast<j_decompress_ptr>(codec);
    if (decoder->input_scan_number <= max_scans) return;
    reinterpret_cast<ErrorManager*>(codec->err)
        ->escape.leave(ErrorCode::bad_input, "JPEG has too many scans");
}

// Owns libjpeg's decoder; its memory lives in pools that die with it.
struct Decoder {
    Decoder() {
        prepare(errors);
        codec.err = &errors.base;
        errors.escape.guard([&] { jpeg_create_decompress(&codec); });
        progress.progress_monitor = on_progress;
        codec.progress = &progress;
    }
    ~Decoder() { jpeg_destroy_decompress(&codec); }
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    ErrorManager errors;
    jpeg_progress_mgr progress{};
    jpeg_decompress_struct codec{};
};

// The largest of 1, 2, 4, 8 that leaves the long side at least `enough` pixels. 0 means whole.
unsigned reduction_for(Size size, int enough) {
    unsigned reduction = 1;
    if (enough <= 0) return reduction;
    const int long_side = std::max(size.width, size.height);
    while (reduction < 8 && long_side / static_cast<int>(reduction * 2) >= enough) reduction *= 2;
    return reduction;
}

// Adobe's programs store CMYK inverted, and so does nearly everyone else who writes it; a file without their
// marker is taken literally.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::size_t count, bool inverted, std::uint8_t* rgb) {
    const unsigned flip = inverted ? 0 : 255;
    for (std::size_t i = 0; i < count; ++i, cmyk += 4, rgb += 3) {
        const unsigned light = cmyk[3] ^ flip;
        for (int c = 0; c < 3; ++c)
            rgb[c] = static_cast<std::uint8_t>(((cmyk[c] ^ flip) * light + 127) / 255);
    }
}

ExifFields exif_of(const jpeg_decompress_struct& codec) {
    static constexpr char header[] = "Exif\0";  // with the literal's own zero: six bytes
    for (const jpeg_marker_struct* marker = codec.marker_list; marker; marker = marker->next) {
        if (marker->marker != JPEG_APP0 + 1 || marker->data_length < sizeof header) continue;
        if (std::memcmp(marker->data, header, sizeof header) != 0) continue;
        return read_exif(std::as_bytes(std::span(marker->data, marker->data_length)));
    }
    return {};
}

// Joined from its pieces, of 64 kB at most each; empty when one is missing.
std::vector<std::byte> profile_of(Decoder& decoder) {
    JOCTET* joined = nullptr;  // allocated with malloc
    unsigned size = 0;
    decoder.errors.escape.guard([&] { jpeg_read_icc_profile(&decoder.codec, &joined, &size); });
    const CHandle<void, std::free> owner(joined);
    const auto* begin = reinterpret_cast<const std::byte*>(joined);
    return joined ? std::vector<std::byte>(begin, begin + size) : std::vector<std::byte>();
}

}  // namespace

Decoded decode_jpeg(std::span<const std::byte> encoded, const DecodeOptions& options) {
    Decoder decoder;
    auto& codec = decoder.codec;
    auto& escape = decoder.errors.escape;
    escape.guard([&] {
        jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(encoded.data()), encoded.size());
        jpeg_save_markers(&codec, JPEG_APP0 + 1, 0xFFFF);
        jpeg_save_markers(&codec, JPEG_APP0 + 2, 0xFFFF);  // colour profiles
        jpeg_read_header(&codec, TRUE);
    });

    Decoded decoded;
    decoded.full_size = checked_size(codec.image_width, codec.image_height, options.limits);
    decoded.exif = exif_of(codec);
    decoded.colour_profile = profile_of(decoder);

    const bool cmyk = codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK;
    codec.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    codec.scale_num = 1;
    codec.scale_denom = reduction_for(decoded.full_size, options.enough_long_side);
    escape.guard([&] { jpeg_start_decompress(&codec); });

    const Size size{static_cast<int>(codec.output_width), static_cast<int>(codec.output_height)};
    decoded.image = Image(size, PixelFormat::rgb8);
    std::uint8_t* out = decoded.image.pixels().data();
    const std::size_t row_bytes = static_cast<std::size_t>(size.width) * 3;
    std::vector<std::uint8_t> cmyk_row(cmyk ? static_cast<std::size_t>(size.width) * 4 : 0);
    escape.guard([&] {
        while (codec.output_scanline < codec.output_height) {
            std::uint8_t* rgb = out + codec.output_scanline * row_bytes;
            JSAMPROW row = cmyk ? cmyk_row.data() : rgb;
            jpeg_read_scanlines(&codec, &row, 1);
            if (cmyk) cmyk_to_rgb(row, codec.output_width, codec.saw_Adobe_marker, rgb);
        }
        jpeg_finish_decompress(&codec);
    });
    return decoded;
}

std::vector<std::byte> encode_jpeg(ImageView image, int quality, std::span<const std::byte> colour_profile) {
    if (quality < 1 || quality > 100) throw Error(ErrorCode::bad_input, "JPEG quality must be 1 to 100");
    if (!image.pixels || image.size.width <= 0 || image.size.height <= 0) {
        throw Error(ErrorCode::bad_input, "cannot encode an empty image");
    }
    if (colour_profile.size() > largest_profile)
        throw Error(ErrorCode::bad_input, "a colour profile beyond 16 MB does not fit into a JPEG");
    struct Encoder {
        Encoder() {
            prepare(errors);
            codec.err = &errors.base;
            errors.escape.guard([&] { jpeg_create_compress(&codec); });
        }
        ~Encoder() {
            jpeg_destroy_compress(&codec);
            std::free(bytes);
        }
        ErrorManager errors;
        jpeg_compress_struct codec{};
        unsigned char* bytes = nullptr;  // allocated and grown by libjpeg with malloc
        unsigned long size = 0;
    } encoder;
    auto& codec = encoder.codec;
    encoder.errors.escape.guard([&] {
        jpeg_mem_dest(&codec, &encoder.bytes, &encoder.size);
        codec.image_width = static_cast<JDIMENSION>(image.size.width);
        codec.image_height = static_cast<JDIMENSION>(image.size.height);
        codec.input_components = channels_of(image.format);
        codec.in_color_space = image.format == PixelFormat::gray8 ? JCS_GRAYSCALE : JCS_RGB;
        jpeg_set_defaults(&codec);
        jpeg_set_quality(&codec, quality, TRUE);
        jpeg_start_compress(&codec, TRUE);
        if (!colour_profile.empty()) {
            jpeg_write_icc_profile(&codec, reinterpret_cast<const JOCTET*>(colour_profile.data()),
                                   static_cast<unsigned>(colour_profile.size()));
        }
        while (codec.next_scanline < codec.image_height) {
            JSAMPROW row = const_cast<JSAMPROW>(image.pixels + codec.next_scanline * image.row_bytes);
            jpeg_write_scanlines(&codec, &row, 1);
        }
        jpeg_finish_compress(&codec);
    });
    const auto* begin = reinterpret_cast<const std::byte*>(encoder.bytes);
    return {begin, begin + encoder.size};
}

}  // namespace eventlens
