using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Reflection;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Xml;
using Microsoft.Xrm.Sdk;

/// <summary>
/// Runs a plug-in once, as the asynchronous service does: a <see cref="PluginRun"/> as JSON on the
/// standard input, what came of it as JSON on the standard output. Configurations come that way too,
/// because the arguments of a process can be read by everybody on the machine.
/// </summary>
public static class PluginHost
{
    public static void Main()
    {
        var run = (PluginRun)new DataContractJsonSerializer(typeof(PluginRun)).ReadObject(Console.OpenStandardInput());
        var tracing = new Tracing();
        PluginOutcome outcome = Execute(run, tracing);
        outcome.Traces = tracing.Lines.ToArray();
        using (Stream output = Console.OpenStandardOutput())
        {
            new DataContractJsonSerializer(typeof(PluginOutcome)).WriteObject(output, outcome);
            output.Flush();
        }
        // Of a hundred orderly ends after a web request one hangs, in the runtime's own threads.
        Process.GetCurrentProcess().Kill();
    }

    private static PluginOutcome Execute(PluginRun run, Tracing tracing)
    {
        try
        {
            Assembly assembly = Assembly.Load(Convert.FromBase64String(run.Assembly));
            if (assembly.GetName().GetPublicKeyToken().Length == 0)
            {
                return new PluginOutcome { State = "failed", Message = "Public assembly must have public key token." };
            }
            Type type = assembly.GetType(run.TypeName, true);
            // The newest constructor that a plug-in has: with both configurations, else without any.
            bool configured = type.GetConstructor(new[] { typeof(string), typeof(string) }) != null;
            var plugin = (IPlugin)(configured
                ? Activator.CreateInstance(type, run.Unsecure, run.Secure)
                : Activator.CreateInstance(type));
            plugin.Execute(new Services(ContextReader.Read(run.Context), tracing));
            return new PluginOutcome { State = "succeeded" };
        }
        catch (InvalidPluginExecutionException error)
        {
            return new PluginOutcome
            {
                State = error.Status == OperationStatus.Retry ? "retry" : "failed",
                Message = error.Message,
            };
        }
        catch (Exception error)
        {
            return new PluginOutcome
            {
                State = "failed",
                Message = "An unexpected error occurred from ISV code. (" + error.GetType().FullName + ": "
                    + error.Message + ")",
            };
        }
    }

    private sealed class Services : IServiceProvider
    {
        private readonly IPluginExecutionContext context;
        private readonly ITracingService tracing;

        public Services(IPluginExecutionContext context, ITracingService tracing)
        {
            this.context = context;
            this.tracing = tracing;
        }

        public object GetService(Type serviceType)
        {
            if (serviceType == typeof(IPluginExecutionContext)) return context;
            return serviceType == typeof(ITracingService) ? tracing : null;
        }
    }

    private sealed class Tracing : ITracingService
    {
        public readonly List<string> Lines = new List<string>();

        public void Trace(string format, params object[] args)
        {
            Lines.Add(string.Format(format, args));
        }
    }
}

[DataContract]
public sealed class PluginRun
{
    /// <summary>The assembly in base64, as it is registered.</summary>
    [DataMember(Name = "assembly")]
    public string Assembly { get; set; }

    [DataMember(Name = "typeName")]
    public string TypeName { get; set; }

    [DataMember(Name = "unsecure")]
    public string Unsecure { get; set; }

    [DataMember(Name = "secure")]
    public string Secure { get; set; }

    /// <summary>A serialised <c>RemoteExecutionContext</c>.</summary>
    [DataMember(Name = "context")]
    public string Context { get; set; }
}

[DataContract]
public sealed class PluginOutcome
{
    /// <summary>succeeded, retry or failed.</summary>
    [DataMember(Name = "state")]
    public string State { get; set; }

    [DataMember(Name = "message", EmitDefaultValue = false)]
    public string Message { get; set; }

    [DataMember(Name = "traces")]
    public string[] Traces { get; set; }
}

/// <summary>Makes an execution context of a serialised one.</summary>
internal static class ContextReader
{
    public static IPluginExecutionContext Read(string json)
    {
        var document = new XmlDocument();
        using (var reader = JsonReaderWriterFactory.CreateJsonReader(
            System.Text.Encoding.UTF8.GetBytes(json), XmlDictionaryReaderQuotas.Max))
        {
            document.Load(reader);
        }
        return ContextOf(document.DocumentElement);
    }

    private static IPluginExecutionContext ContextOf(XmlElement node)
    {
        var context = new Context
        {
            Mode = Number(node, "Mode"),
            Stage = Number(node, "Stage"),
            IsolationMode = Number(node, "IsolationMode"),
            Depth = Number(node, "Depth"),
            MessageName = Text(node, "MessageName"),
            PrimaryEntityName = Text(node, "PrimaryEntityName"),
            PrimaryEntityId = Id(node, "PrimaryEntityId"),
            RequestId = Id(node, "RequestId"),
            UserId = Id(node, "UserId"),
            InitiatingUserId = Id(node, "InitiatingUserId"),
            OrganizationId = Id(node, "OrganizationId"),
            OrganizationName = Text(node, "OrganizationName"),
            CorrelationId = Id(node, "CorrelationId"),
            OperationId = Id(node, "OperationId"),
            OwningExtension = Reference(node["OwningExtension"]),
            InputParameters = new ParameterCollection(),
            SharedVariables = new ParameterCollection(),
            PreEntityImages = new EntityImageCollection(),
            PostEntityImages = new EntityImageCollection(),
        };
        Fill(context.InputParameters, node["InputParameters"], ValueOf);
        Fill(context.SharedVariables, node["SharedVariables"], ValueOf);
        Fill(context.PreEntityImages, node["PreEntityImages"], EntityOf);
        Fill(context.PostEntityImages, node["PostEntityImages"], EntityOf);
        XmlElement parent = node["ParentContext"];
        if (parent != null && parent.GetAttribute("type") == "object") context.ParentContext = ContextOf(parent);
        return context;
    }

    /// <summary>Collections are arrays of key and value.</summary>
    private static void Fill<T>(DataCollection<string, T> collection, XmlElement items, Func<XmlElement, T> read)
    {
        if (items == null) return;
        foreach (XmlElement item in items.ChildNodes) collection[item["key"].InnerText] = read(item["value"]);
    }

    private static object ValueOf(XmlElement node)
    {
        switch (node.GetAttribute("type"))
        {
            case "null": return null;
            case "boolean": return XmlConvert.ToBoolean(node.InnerText);
            case "number": return XmlConvert.ToDouble(node.InnerText);
            case "object":
                if (node["Attributes"] != null) return EntityOf(node);
                return node["LogicalName"] != null ? (object)Reference(node) : Number(node, "Value");
            default: return node.InnerText;
        }
    }

    private static Entity EntityOf(XmlElement node)
    {
        var entity = new Entity(Text(node, "LogicalName"), Id(node, "Id"));
        Fill(entity.Attributes, node["Attributes"], ValueOf);
        return entity;
    }

    private static EntityReference Reference(XmlElement node)
    {
        return new EntityReference(Text(node, "LogicalName"), Id(node, "Id")) { Name = Text(node, "Name") };
    }

    private static string Text(XmlElement node, string name)
    {
        XmlElement found = node[name];
        return found == null || found.GetAttribute("type") == "null" ? null : found.InnerText;
    }

    private static int Number(XmlElement node, string name)
    {
        string text = Text(node, name);
        return text == null ? 0 : XmlConvert.ToInt32(text);
    }

    private static Guid Id(XmlElement node, string name)
    {
        string text = Text(node, name);
        return text == null ? Guid.Empty : new Guid(text);
    }

    private sealed class Context : IPluginExecutionContext
    {
        public int Mode { get; set; }
        public int Stage { get; set; }
        public int IsolationMode { get; set; }
        public int Depth { get; set; }
        public string MessageName { get; set; }
        public string PrimaryEntityName { get; set; }
        public Guid PrimaryEntityId { get; set; }
        public Guid? RequestId { get; set; }
        public Guid UserId { get; set; }
        public Guid InitiatingUserId { get; set; }
        public Guid OrganizationId { get; set; }
        public string OrganizationName { get; set; }
        public Guid CorrelationId { get; set; }
        public Guid OperationId { get; set; }
        public EntityReference OwningExtension { get; set; }
        public ParameterCollection InputParameters { get; set; }
        public ParameterCollection SharedVariables { get; set; }
        public EntityImageCollection PreEntityImages { get; set; }
        public EntityImageCollection PostEntityImages { get; set; }
        public IPluginExecutionContext ParentContext { get; set; }
    }
}
