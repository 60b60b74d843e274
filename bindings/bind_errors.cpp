#include "python_types.h"

namespace eventlens::python {

namespace {

// Owned by the module; kept here so that the translator can find them.
struct ErrorTypes {
    py::object base, bad_input, not_found, unsupported, overloaded;

    const py::object& of(ErrorCode code) const {
        switch (code) {
            case ErrorCode::denied:
            case ErrorCode::bad_input: return bad_input;
            case ErrorCode::not_found: return not_found;
            case ErrorCode::unsupported: return unsupported;
            case ErrorCode::overloaded: return overloaded;
            case ErrorCode::internal: return base;
        }
        return base;
    }
};
ErrorTypes* types = nullptr;  // never freed: must outlive every exception in flight

py::object define(py::module_& module, const char* name, const py::tuple& bases, const char* doc) {
    const std::string qualified = std::string("eventlens._core.") + name;
    py::object type = py::reinterpret_steal<py::object>(
        PyErr_NewExceptionWithDoc(qualified.c_str(), doc, bases.ptr(), nullptr));
    if (!type) throw py::error_already_set();
    module.attr(name) = type;
    return type;
}

}  // namespace

// Each error is also the built-in that a Python programmer would expect to catch.
void bind_errors(py::module_& module) {
    const auto builtin = [](PyObject* type) { return py::reinterpret_borrow<py::object>(type); };
    const py::object base = define(module, "EventlensError", py::make_tuple(builtin(PyExc_Exception)),
                                   "What every error of Eventlens is.");
    types = new ErrorTypes{
        base,
        define(module, "BadInputError", py::make_tuple(base, builtin(PyExc_ValueError)),
               "The bytes or arguments are wrong; the same call will fail again."),
        define(module, "NotFoundError", py::make_tuple(base, builtin(PyExc_LookupError)),
               "The named file, photo, event or search does not exist."),
        define(module, "UnsupportedError", py::make_tuple(base, builtin(PyExc_NotImplementedError)),
               "Valid, but this build cannot handle it: an image format, a model, a newer workspace."),
        define(module, "OverloadedError", py::make_tuple(base, builtin(PyExc_RuntimeError)),
               "A limit was reached, such as a full disk; the same call may succeed later."),
    };
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const Error& error) {
            py::set_error(types->of(error.code()), error.what());
        }
    });
}

}  // namespace eventlens::python
