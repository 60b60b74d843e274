#include "python_types.h"

// The C++ core of Eventlens. The public names are those of the package `eventlens`; this module is their
// home.
PYBIND11_MODULE(_core, module) {
    using namespace eventlens::python;
    module.doc() = "The C++ core of Eventlens.";
    bind_errors(module);
    bind_image(module);
    bind_models(module);
    bind_faces(module);
    bind_bibs(module);
    bind_video(module);
    bind_gallery(module);
    bind_storage(module);
    bind_engine(module);
}
