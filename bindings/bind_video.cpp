#include "eventlens/video.h"

#include "eventlens/storage.h"
#include "python_types.h"

namespace eventlens::python {

namespace {

std::string_view name_of(CutMethod method) {
    switch (method) {
        case CutMethod::copied: return "copied";
        case CutMethod::smart: return "smart";
        case CutMethod::encoded: return "encoded";
    }
    throw Error(ErrorCode::internal, "a method of cutting without a name");
}

std::shared_ptr<const ByteSource> open_path(const std::filesystem::path& path) {
    const std::string name = std::filesystem::absolute(path).lexically_normal().string();
    return open_paths({name})->open(name);
}

}  // namespace

CutOptions cut_options(const std::string& mode, int quality, const py::object& progress) {
    CutOptions options;
    if (mode == "copy") {
        options.mode = CutMode::copy;
    } else if (mode != "exact") {
        throw Error(ErrorCode::bad_input, "mode is \"exact\" or \"copy\", not \"" + mode + "\"");
    }
    options.quality = quality;
    options.progress = [progress](double part) {
        py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!progress.is_none()) progress(part);
    };
    return options;
}

void bind_video(py::module_& module) {
    py::class_<VideoInfo>(module, "VideoInfo", "What a video file says of itself.")
        .def_readonly("container", &VideoInfo::container)
        .def_readonly("codec", &VideoInfo::codec)
        .def_property_readonly("width", [](const VideoInfo& info) { return info.size.width; })
        .def_property_readonly("height", [](const VideoInfo& info) { return info.size.height; })
        .def_readonly("rotation", &VideoInfo::rotation,
                      "Degrees clockwise that bring the stored frames upright.")
        .def_readonly("frame_rate", &VideoInfo::frame_rate, "Frames per second, on average; 0: not known.")
        .def_readonly("duration", &VideoInfo::duration, "Seconds of picture.")
        .def_readonly("audio_tracks", &VideoInfo::audio_tracks)
        .def_readonly("recorded_utc", &VideoInfo::recorded_utc,
                      "Milliseconds since 1970-01-01T00:00:00Z, or None.");

    py::class_<Clip>(module, "CoreClip", "A clip that was cut.")
        .def_readonly("path", &Clip::path)
        .def_property_readonly("start", [](const Clip& clip) { return clip.shown.start; })
        .def_property_readonly("end", [](const Clip& clip) { return clip.shown.end; })
        .def_property_readonly("method", [](const Clip& clip) { return name_of(clip.method); })
        .def_readonly("codec", &Clip::codec)
        .def_property_readonly("width", [](const Clip& clip) { return clip.size.width; })
        .def_property_readonly("height", [](const Clip& clip) { return clip.size.height; })
        .def_readonly("frames", &Clip::frames)
        .def_readonly("bytes", &Clip::bytes)
        .def_readonly("audio", &Clip::audio)
        .def_readonly("note", &Clip::note);

    // The progress function holds a Python object and must die with the GIL held.
    module.def(
        "cut_clip",
        [](const std::filesystem::path& source, double start, double end, const std::filesystem::path& out,
           const std::string& mode, int quality, const py::object& progress) {
            const CutOptions options = cut_options(mode, quality, progress);
            py::gil_scoped_release other_threads_may_run;
            return cut_clip(open_path(source), {start, end}, out, options);
        },
        "source"_a, "start"_a, "end"_a, "out"_a, "mode"_a, "quality"_a, "progress"_a);
    module.def(
        "read_frame",
        [](const std::filesystem::path& source, double time, int long_side) {
            VideoFrame frame;
            {
                py::gil_scoped_release other_threads_may_run;
                frame = read_frame(open_path(source), time, long_side);
            }
            return array_of(std::move(frame.image));
        },
        "source"_a, "time"_a, "long_side"_a);
    module.def(
        "video_info",
        [](const std::filesystem::path& source) { return VideoReader::open(open_path(source)).info(); },
        "source"_a, py::call_guard<py::gil_scoped_release>());
}

}  // namespace eventlens::python
