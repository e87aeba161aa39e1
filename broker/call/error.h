/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The broker's answers that are a no. Their names are part of its interface; see vm-broker(8). */

#define BROKER_ERROR(name) "org.vmunit.Broker1.Error." name

#define ERROR_NOT_ALLOWED         BROKER_ERROR("NotAllowed")   /* vmunit.conf or polkit says no */
#define ERROR_NO_SUCH_BRIDGE      BROKER_ERROR("NoSuchBridge") /* allowed, but not there */
#define ERROR_BAD_REQUEST         BROKER_ERROR("BadRequest")   /* it could not be carried out for anybody */
#define ERROR_LIMIT_REACHED       BROKER_ERROR("LimitReached") /* too many TAPs, or requests */
#define ERROR_ADDRESS_TAKEN       BROKER_ERROR("AddressTaken") /* it is somebody else's on the bridge */
#define ERROR_ADDRESS_NOT_ALLOWED BROKER_ERROR("AddressNotAllowed") /* vmunit.conf has others for guests */
#define ERROR_POLICY_BROKEN       BROKER_ERROR("PolicyBroken")      /* vmunit.conf is not understood */
#define ERROR_STOPPING            BROKER_ERROR("Stopping") /* polkit was too slow for a broker that ends */
#define ERROR_FAILED              BROKER_ERROR("Failed")   /* the host could not do it */
