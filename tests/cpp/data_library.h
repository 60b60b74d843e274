#pragma once

// A shared library of the same make as libfacedetection: an exported table of pointers to weights, small
// enough to see through. The conversion test reads its file and compares with what the loader made of it.
struct DataLayer {
    int in;
    int out;
    bool depthwise;
    bool pointwise;
    bool relu;
    const float* weights;
    const float* biases;
};

extern "C" DataLayer data_library_table[2];
extern "C" float data_library_weights[6];
