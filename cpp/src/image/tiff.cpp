#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/c_handle.h"
#include "eventlens/error.h"
#include "image/codec.h"

namespace eventlens {

namespace {

using Options = CHandle<TIFFOpenOptions, TIFFOpenOptionsFree>;
using Tiff = CHandle<TIFF, TIFFClose>;

// The file in memory, as libtiff's callbacks see it. Callbacks run inside of C: they do not throw.
struct Source {
    std::span<const std::byte> bytes;
    std::uint64_t position = 0;
    bool overrun = false;          // something that the file points at lies behind its end
    char problem[256] = "broken";  // libtiff's words for the first error
    bool failed = false;
};

Source& source_of(thandle_t handle) {
    return *static_cast<Source*>(handle);
}

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t count) {
    Source& source = source_of(handle);
    const std::uint64_t begin = std::min<std::uint64_t>(source.position, source.bytes.size());
    const std::uint64_t available =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(count), source.bytes.size() - begin);
    if (available < static_cast<std::uint64_t>(count)) source.overrun = true;
    std::memcpy(to, source.bytes.data() + begin, available);
    source.position = begin + available;
    return static_cast<tmsize_t>(available);
}

tmsize_t refuse_write(thandle_t, void*, tmsize_t) {
    return -1;
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
    Source& source = source_of(handle);
    switch (whence) {
        case SEEK_SET: source.position = offset; break;
        case SEEK_CUR: source.position += offset; break;
        default: source.position = source.bytes.size() + offset; break;
    }
    return source.position;
}

int map(thandle_t handle, void** base, toff_t* size) {
    Source& source = source_of(handle);
    *base = const_cast<std::byte*>(source.bytes.data());
    *size = source.bytes.size();
    return 1;
}

int on_error(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
    Source& source = source_of(user_data);
    if (!source.failed) std::vsnprintf(source.problem, sizeof source.problem, format, arguments);
    source.failed = true;
    return 1;  // handled: nothing is printed
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) {
    return 1;
}

// `mode` as in TIFFClientOpen: with "m" the file is not mapped.
Tiff open(Source& source, const char* mode, TIFFOpenOptions& options) {
    source.position = 0;
    return Tiff(TIFFClientOpenExt(
        "TIFF", mode, &source, read_bytes, refuse_write, seek, [](thandle_t) { return 0; },
        [](thandle_t handle) { return static_cast<toff_t>(source_of(handle).bytes.size()); }, map,
        [](thandle_t, void*, toff_t) {}, &options));
}

std::string text_of(TIFF* tiff, std::uint32_t tag) {
    const char* text = nullptr;
    return TIFFGetField(tiff, tag, &text) == 1 && text ? std::string(text) : std::string();
}

// Make, model and orientation stand in the picture's own directory, the rest in the EXIF directory it points
// to. Reading that one makes libtiff forget the picture's: last.
ExifFields exif_of(TIFF* tiff) {
    ExifFields fields;
    fields.make = text_of(tiff, TIFFTAG_MAKE);
    fields.model = text_of(tiff, TIFFTAG_MODEL);
    std::uint16_t orientation = 0;
    if (TIFFGetField(tiff, TIFFTAG_ORIENTATION, &orientation) == 1) fields.orientation = orientation;
    toff_t directory = 0;
    if (TIFFGetField(tiff, TIFFTAG_EXIFIFD, &directory) == 1 && TIFFReadEXIFDirectory(tiff, directory) == 1) {
        fields.body_serial = text_of(tiff, EXIFTAG_BODYSERIALNUMBER);
        fields.date = text_of(tiff, EXIFTAG_DATETIMEORIGINAL);
        fields.subseconds = text_of(tiff, EXIFTAG_SUBSECTIMEORIGINAL);
        fields.utc_offset = text_of(tiff, EXIFTAG_OFFSETTIMEORIGINAL);
    }
    return fields;
}

std::vector<std::byte> profile_of(TIFF* tiff) {
    std::uint32_t bytes = 0;
    const void* profile = nullptr;
    if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &bytes, &profile) != 1 || !profile) return {};
    const auto* begin = static_cast<const std::byte*>(profile);
    return {begin, begin + bytes};
}

// Decodes whatever libtiff can show (bilevel to 16-bit, palette, CMYK, YCbCr, Lab) as 8-bit RGBA.
struct Reader {
    explicit Reader(TIFF* tiff) {
        char reason[1024] = {};
        if (TIFFRGBAImageOK(tiff, reason) != 1 || TIFFRGBAImageBegin(&state, tiff, 1, reason) != 1) {
            throw Error(ErrorCode::unsupported, std::string("this kind of TIFF: ") + reason);
        }
        state.req_orientation = state.orientation;  // as stored; turned later, as every format is
    }
    ~Reader() { TIFFRGBAImageEnd(&state); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    TIFFRGBAImage state{};
};

}  // namespace

Decoded decode_tiff(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    Source source{encoded};
    const auto fail = [&] {
        return Error(ErrorCode::bad_input,
                     std::string("TIFF: ") + (source.overrun ? "ends too early" : source.problem));
    };
    const Options options(TIFFOpenOptionsAlloc());
    if (!options) throw Error(ErrorCode::overloaded, "no memory for a TIFF decoder");
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &source);
    // The widest pixel is four samples of 16 bits; a strip or tile is not larger than the picture, but for
    // its padding.
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(),
                                        static_cast<tmsize_t>(limits.max_pixels * 8 + (1 << 20)));
    Tiff tiff = open(source, "rm", *options);
    if (!tiff) throw fail();
    // libtiff up to 4.5 refuses plain tiles unless the file is mapped. Otherwise callbacks serve better: they
    // notice whatever lies behind the end of the file, where mapped reading only warns.
    std::uint16_t compression = 0;
    TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_COMPRESSION, &compression);
    if (TIFFIsTiled(tiff.get()) && compression == COMPRESSION_NONE) tiff = open(source, "r", *options);
    if (!tiff) throw fail();

    Decoded decoded;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
    decoded.full_size = checked_size(width, height, limits);
    const std::size_t count = std::size_t{width} * height;
    std::vector<std::uint32_t> raster;
    {
        Reader reader(tiff.get());
        raster.resize(count);
        if (TIFFRGBAImageGet(&reader.state, raster.data(), width, height) != 1) throw fail();
    }
    // Colours come multiplied by alpha, so white is simply what alpha leaves free.
    decoded.image = Image(decoded.full_size, PixelFormat::rgb8);
    std::uint8_t* rgb = decoded.image.pixels().data();
    for (std::size_t i = 0; i < count; ++i, rgb += 3) {
        const std::uint32_t white = 255 - TIFFGetA(raster[i]);
        rgb[0] = static_cast<std::uint8_t>(std::min(255U, TIFFGetR(raster[i]) + white));
        rgb[1] = static_cast<std::uint8_t>(std::min(255U, TIFFGetG(raster[i]) + white));
        rgb[2] = static_cast<std::uint8_t>(std::min(255U, TIFFGetB(raster[i]) + white));
    }
    decoded.colour_profile = profile_of(tiff.get());
    decoded.exif = exif_of(tiff.get());
    if (source.overrun) throw fail();
    return decoded;
}

}  // namespace eventlens
