#pragma once

#include <memory>

namespace eventlens {

// Owns a C object; Free is its release function. CHandle<FILE, std::fclose>
template <auto Free>
struct CallFree {
    template <typename T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
template <typename T, auto Free>
using CHandle = std::unique_ptr<T, CallFree<Free>>;

// The same for libraries whose release function takes T** and clears the pointer.
template <auto Free>
struct CallFreeIndirect {
    template <typename T>
    void operator()(T* object) const noexcept {
        Free(&object);
    }
};
template <typename T, auto Free>
using CHandleIndirect = std::unique_ptr<T, CallFreeIndirect<Free>>;

}  // namespace eventlens
