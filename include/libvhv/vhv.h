/* SPDX-License-Identifier: MIT */
/* All of libvhv but the raw file descriptors (<libvhv/kvm.h>). */
#ifndef LIBVHV_VHV_H
#define LIBVHV_VHV_H

#include <libvhv/backdoor.h>
#include <libvhv/base.h>
#include <libvhv/baseline.h>
#include <libvhv/bus.h>
#include <libvhv/capture.h>
#include <libvhv/config.h>
#include <libvhv/convert.h>
#include <libvhv/cpuid.h>
#include <libvhv/feature.h>
#include <libvhv/guest_cpuid.h>
#include <libvhv/host.h>
#include <libvhv/mask.h>
#include <libvhv/measure.h>
#include <libvhv/memory.h>
#include <libvhv/migration.h>
#include <libvhv/msr.h>
#include <libvhv/vcpu.h>
#include <libvhv/vm.h>

#endif
