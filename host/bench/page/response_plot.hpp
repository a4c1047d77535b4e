// response_plot.hpp - a response as a picture: both ears' waveforms, decays and spectrograms
#pragma once

#include <string>

#include "host/room/response.hpp"

namespace gpuconv {

/// An SVG file that needs nothing else. Time counts from time zero of the response; both ears have
/// one scale in each panel:
///
///   waveform      amplitude, full scale = the largest |tap| of both ears
///   decay         10 log10 of the energy that is still to come (Schroeder 1965), of that of the
///                 louder ear at the beginning
///   spectrogram   power in Hann windows of about 20 ms, 60 Hz to half of the rate, of the loudest
///                 point
///
/// Light or dark as the reader's system is. `title` stands above.
std::string response_svg(const Response& response, const std::string& title);

}  // namespace gpuconv
