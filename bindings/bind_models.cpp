#include "eventlens/models.h"

#include "python_types.h"

namespace eventlens::python {

Precision precision_of(const std::string& name) {
    if (name == "auto") return Precision::automatic;
    if (name == "f32") return Precision::f32;
    if (name == "bf16") return Precision::bf16;
    throw Error(ErrorCode::bad_input, "precision must be auto, f32 or bf16, not '" + name + "'");
}

void bind_models(py::module_& module) {
    py::class_<ModelEntry>(module, "ModelEntry", "One entry of a model manifest.")
        .def_readonly("name", &ModelEntry::name)
        .def_readonly("role", &ModelEntry::role,
                      "face_detector, face_embedder, text_detector or text_recognizer.")
        .def_readonly("licence", &ModelEntry::licence)
        .def_readonly("provenance", &ModelEntry::provenance)
        .def_readonly("output_size", &ModelEntry::output_size, "Of a face_embedder: numbers per face.")
        .def_readonly("threshold", &ModelEntry::threshold,
                      "Of a face_embedder: the cosine from which two faces are very likely one person's.")
        .def("__repr__",
             [](const ModelEntry& entry) { return "<ModelEntry " + entry.name + ", " + entry.role + ">"; });

    py::class_<ModelStore, std::shared_ptr<ModelStore>>(
        module, "ModelStore",
        "The models named by manifests, and the runtime that executes them. Thread safe.")
        .def(py::init([](const std::vector<std::filesystem::path>& manifests, const std::string& precision,
                         int threads) {
                 const RuntimeOptions options{precision_of(precision), threads};
                 py::gil_scoped_release starting_the_runtime_is_slow;
                 return std::const_pointer_cast<ModelStore>(ModelStore::open(manifests, options));
             }),
             "manifests"_a, py::kw_only(), "precision"_a = "auto", "threads"_a = 0, R"doc(
Read model manifests.

Args:
    manifests: Manifest files. Later ones may add models and change the defaults.
    precision: "auto" computes in bf16 where the CPU has it and in f32 elsewhere; "f32" or "bf16" insist.
    threads: Images recognised at once, one core each; 0: every core.

Raises:
    NotFoundError: a manifest is missing.
    BadInputError: a manifest is malformed; the message names the field.
    UnsupportedError: bf16 was asked for and the CPU has none.
)doc")
        .def("entries",
             [](const ModelStore& store) {
                 return std::vector<ModelEntry>(store.entries().begin(), store.entries().end());
             })
        .def("entry", &ModelStore::entry, "name"_a, py::return_value_policy::copy)
        .def("default_for", &ModelStore::default_for, "role"_a, py::return_value_policy::copy)
        .def(
            "verify",
            [](const ModelStore& store, const std::string& name) { store.verify(store.entry(name)); },
            "name"_a, py::call_guard<py::gil_scoped_release>(),
            "Compare a model's files with their SHA-256; raises NotFoundError or BadInputError with the "
            "remedy.")
        .def_property_readonly(
            "precision",
            [](const ModelStore& store) { return store.precision() == Precision::bf16 ? "bf16" : "f32"; },
            "What networks really compute in: f32 or bf16.");
}

}  // namespace eventlens::python
