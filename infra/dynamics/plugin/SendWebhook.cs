using System;
using System.IO;
using System.Net;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Xrm.Sdk;

namespace ConsentHub.Dynamics
{
    /// <summary>
    /// Tells ConsentHub that something happened to a contact: posts the ids of the event, signed, which a
    /// webhook of Dataverse cannot do. What the contact says stays in Dynamics; ConsentHub reads it there.
    ///
    /// An asynchronous step runs it again, four times in all, if it throws with
    /// <see cref="OperationStatus.Retry"/> ("Handle exceptions in plug-ins"); otherwise the system job has
    /// failed, with the exception's message for the administrator.
    /// </summary>
    public sealed class SendWebhook : IPlugin
    {
        /// <summary>
        /// For the connection with the request, and again for the answer, which ConsentHub's gateway gives
        /// within 10 s. Both together, and a slow look-up of the name, stay well below the two minutes after
        /// which the sandbox ends a plug-in.
        /// </summary>
        private const int TimeoutMs = 20 * 1000;

        private const int Asynchronous = 1;
        private const int TooManyRequests = 429;

        /// <summary>What ConsentHub's own writes carry as <c>?tag=</c>.</summary>
        private const string OwnWriteTag = "consenthub";

        // One instance runs many events, also at the same time: it holds nothing but its configuration.
        private readonly string secureConfiguration;

        /// <param name="unsecureConfiguration">Not used: everybody in the organisation may read it.</param>
        /// <param name="secureConfiguration">JSON: <c>{"url":"https://…/api/dynamics/webhook","secret":"…"}</c></param>
        public SendWebhook(string unsecureConfiguration, string secureConfiguration)
        {
            this.secureConfiguration = secureConfiguration;
        }

        /// <exception cref="InvalidPluginExecutionException">
        /// With <see cref="OperationStatus.Retry"/> if it may pass by itself, else with
        /// <see cref="OperationStatus.Failed"/> and what the administrator has to do.
        /// </exception>
        public void Execute(IServiceProvider serviceProvider)
        {
            var context = (IPluginExecutionContext)serviceProvider.GetService(typeof(IPluginExecutionContext));
            var tracing = (ITracingService)serviceProvider.GetService(typeof(ITracingService));
            if (context.Mode != Asynchronous)
            {
                throw Failed(0, "This step is registered as synchronous: whoever saves a contact would wait for "
                    + "ConsentHub, before the change is certain. Register it as asynchronous.");
            }
            var endpoint = ReadEndpoint(secureConfiguration);
            byte[] body = Serialize(EventOf(context));
            int status = Post(endpoint, body, tracing);
            // Ids and the status only: whoever may read traces need not be allowed to read contacts.
            tracing.Trace("ConsentHub: {0} of {1} {2}, operation {3}: answered with {4}", context.MessageName,
                context.PrimaryEntityName, context.PrimaryEntityId, context.OperationId, status);
            if (status >= 200 && status < 300) return;
            if (status >= 500 || status == TooManyRequests)
            {
                throw Retry(status, "ConsentHub could not take the event: it answered with " + status + ".");
            }
            throw Failed(status, "ConsentHub refused the event: it answered with " + status + ". " + RemedyOf(status));
        }

        /// <summary>Returns the HTTP status. Throws to be run again if there was no answer.</summary>
        private static int Post(EndpointConfiguration endpoint, byte[] body, ITracingService tracing)
        {
            AllowTls12();
            string timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString();
            var request = (HttpWebRequest)WebRequest.Create(endpoint.Url);
            request.Method = "POST";
            request.ContentType = "application/json; charset=utf-8";
            request.Headers["X-Dynamics-Timestamp"] = timestamp;
            request.Headers["X-Dynamics-Signature"] = Sign(timestamp, body, endpoint.Secret);
            request.Timeout = TimeoutMs;
            request.ReadWriteTimeout = TimeoutMs;
            // A connection kept for the next run may be dead by then ("Set KeepAlive to false").
            request.KeepAlive = false;
            // A request this small is not worth a question first.
            request.ServicePoint.Expect100Continue = false;
            // A redirected POST would arrive without its body, and elsewhere than configured.
            request.AllowAutoRedirect = false;
            try
            {
                request.ContentLength = body.Length;
                using (Stream stream = request.GetRequestStream()) stream.Write(body, 0, body.Length);
                using (var response = (HttpWebResponse)request.GetResponse()) return (int)response.StatusCode;
            }
            catch (WebException error)
            {
                var response = error.Response as HttpWebResponse;
                if (response != null) using (response) return (int)response.StatusCode;
                tracing.Trace("ConsentHub: no answer ({0})", error.Status);
                throw Retry(0, "ConsentHub did not answer (" + error.Status + ").");
            }
            catch (IOException)
            {
                tracing.Trace("ConsentHub: the connection broke");
                throw Retry(0, "ConsentHub did not answer: the connection broke.");
            }
        }

        /// <summary>Where the platform chooses the protocol (0), it chooses 1.2 or newer itself.</summary>
        private static void AllowTls12()
        {
            if (ServicePointManager.SecurityProtocol == 0) return;
            ServicePointManager.SecurityProtocol |= SecurityProtocolType.Tls12;
        }

        /// <summary>Lower-case hex HMAC-SHA256 of <c>timestamp + "." + body</c>.</summary>
        private static string Sign(string timestamp, byte[] body, string secret)
        {
            byte[] prefix = Encoding.UTF8.GetBytes(timestamp + ".");
            var signed = new byte[prefix.Length + body.Length];
            prefix.CopyTo(signed, 0);
            body.CopyTo(signed, prefix.Length);
            using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(secret)))
            {
                return BitConverter.ToString(hmac.ComputeHash(signed)).Replace("-", "").ToLowerInvariant();
            }
        }

        /// <summary>
        /// Ids and the kind of the event. Left out are the contact's attributes and images, and everything
        /// else that could name somebody, such as the parent's context.
        /// </summary>
        private static WebhookEvent EventOf(IPluginExecutionContext context)
        {
            object tag;
            // Somebody else's tag is somebody else's text.
            bool ownWrite = context.SharedVariables.TryGetValue("tag", out tag) && OwnWriteTag.Equals(tag);
            return new WebhookEvent
            {
                MessageName = context.MessageName,
                PrimaryEntityName = context.PrimaryEntityName,
                PrimaryEntityId = context.PrimaryEntityId,
                OrganizationId = context.OrganizationId,
                OperationId = context.OperationId,
                CorrelationId = context.CorrelationId,
                RequestId = context.RequestId,
                OwningExtension = new WebhookStep { Id = context.OwningExtension.Id },
                InitiatingUserId = context.InitiatingUserId,
                Depth = context.Depth,
                SharedVariables = ownWrite
                    ? new[] { new WebhookVariable { Key = "tag", Value = OwnWriteTag } }
                    : new WebhookVariable[0],
            };
        }

        private static byte[] Serialize(WebhookEvent sent)
        {
            using (var stream = new MemoryStream())
            {
                new DataContractJsonSerializer(typeof(WebhookEvent)).WriteObject(stream, sent);
                return stream.ToArray();
            }
        }

        private static EndpointConfiguration ReadEndpoint(string json)
        {
            EndpointConfiguration read = null;
            try
            {
                using (var stream = new MemoryStream(Encoding.UTF8.GetBytes(json ?? "")))
                {
                    read = (EndpointConfiguration)new DataContractJsonSerializer(typeof(EndpointConfiguration))
                        .ReadObject(stream);
                }
            }
            catch (SerializationException)
            {
                // Its message can quote the configuration, and with it the secret.
            }
            Uri url;
            if (read == null || string.IsNullOrEmpty(read.Secret)
                || !Uri.TryCreate(read.Url, UriKind.Absolute, out url))
            {
                throw Failed(0, "The secure configuration of this step is not {\"url\":\"https://…\",\"secret\":\"…\"}. "
                    + "Run ConsentHub's set-up again.");
            }
            // On loopback nobody listens in, and a real sandbox lets nobody go there: it is for tests.
            if (url.Scheme != Uri.UriSchemeHttps && !(url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            {
                throw Failed(0, "The URL in the secure configuration of this step does not begin with https://.");
            }
            if (url.HostNameType != UriHostNameType.Dns && !url.IsLoopback)
            {
                throw Failed(0, "The URL in the secure configuration of this step has an IP address, which Dynamics "
                    + "refuses. Take the host's name.");
            }
            return read;
        }

        private static string RemedyOf(int status)
        {
            switch (status)
            {
                case 400:
                    return "It did not understand it: install the plug-in that belongs to the deployed version.";
                case 401:
                    return "The secret in the secure configuration of this step is not ConsentHub's, or the signature "
                        + "took more than five minutes to arrive. Run ConsentHub's set-up again with the current secret.";
                case 403:
                case 404:
                    return "The URL in the secure configuration of this step is not the webhook's. Take the output "
                        + "WebhookUrl of ConsentHub's stack and run the set-up again.";
                default:
                    return "Check the URL in the secure configuration of this step.";
            }
        }

        private static InvalidPluginExecutionException Retry(int status, string message)
        {
            return new InvalidPluginExecutionException(OperationStatus.Retry, status, message);
        }

        private static InvalidPluginExecutionException Failed(int status, string message)
        {
            return new InvalidPluginExecutionException(OperationStatus.Failed, status, message);
        }
    }

    /// <summary>The secure configuration of a step. (Public, as all that is serialised in partial trust.)</summary>
    [DataContract]
    public sealed class EndpointConfiguration
    {
        [DataMember(Name = "url", IsRequired = true)]
        public string Url { get; set; }

        [DataMember(Name = "secret", IsRequired = true)]
        public string Secret { get; set; }
    }

    /// <summary>What is sent of the execution context, under the names and in the shape that Dataverse gives it.</summary>
    [DataContract]
    public sealed class WebhookEvent
    {
        [DataMember(Order = 0)]
        public string MessageName { get; set; }

        [DataMember(Order = 1)]
        public string PrimaryEntityName { get; set; }

        [DataMember(Order = 2)]
        public Guid PrimaryEntityId { get; set; }

        [DataMember(Order = 3)]
        public Guid OrganizationId { get; set; }

        [DataMember(Order = 4)]
        public Guid OperationId { get; set; }

        [DataMember(Order = 5)]
        public Guid CorrelationId { get; set; }

        [DataMember(Order = 6)]
        public Guid? RequestId { get; set; }

        [DataMember(Order = 7)]
        public WebhookStep OwningExtension { get; set; }

        [DataMember(Order = 8)]
        public Guid InitiatingUserId { get; set; }

        [DataMember(Order = 9)]
        public int Depth { get; set; }

        [DataMember(Order = 10)]
        public WebhookVariable[] SharedVariables { get; set; }
    }

    [DataContract]
    public sealed class WebhookStep
    {
        [DataMember]
        public Guid Id { get; set; }
    }

    [DataContract]
    public sealed class WebhookVariable
    {
        [DataMember(Name = "key", Order = 0)]
        public string Key { get; set; }

        [DataMember(Name = "value", Order = 1)]
        public string Value { get; set; }
    }
}
